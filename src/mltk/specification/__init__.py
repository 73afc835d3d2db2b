"""What a user writes: the model specification."""
