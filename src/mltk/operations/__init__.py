"""What a user does with a model, one operation a file; each gives a results object."""
