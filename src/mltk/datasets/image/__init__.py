"""Images to classify."""
