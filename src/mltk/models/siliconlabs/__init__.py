"""Specifications under the names of Silicon Labs' models.

- ``fingerprint_signature_generator_dataset.py``: pairs of fingerprints, for a siamese model.
"""
