"""Specifications under the names of Silicon Labs' models.

- ``keyword_spotting_*.py``, ``kws_bc_resnet.py``: spotters of words.
- ``rock_paper_scissors.py``: signs of a hand.
- ``fingerprint_signature_generator.py``: a siamese model.
- ``fingerprint_signature_generator_dataset.py``: the pairs that it learns from.
"""
