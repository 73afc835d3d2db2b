"""Speech, background noise and room impulse responses."""
