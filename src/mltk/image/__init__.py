"""Everything that knows images."""
