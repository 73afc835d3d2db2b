"""Specifications to learn from and to start from.

- ``digits.py``: handwritten digits, the smallest example.
- ``keyword_spotting_synthetic.py``: words from speech synthesizers.
- ``keyword_spotting_tenet.py``: ten words of Speech Commands, by a TENet.
"""
