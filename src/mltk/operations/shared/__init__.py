"""What several operations need: finding the model, the dataset's fingerprint, the archive."""
