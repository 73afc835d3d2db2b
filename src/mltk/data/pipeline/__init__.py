"""The pipeline from files to training batches, for data of every medium."""
