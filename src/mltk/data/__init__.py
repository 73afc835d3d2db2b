"""Listing, splitting, batching: what datasets of all kinds share."""
