"""Specifications to learn from and to start from.

- ``digits.py``: handwritten digits, the smallest example.
- ``watch_exercises.py``: gestures, from the acceleration and rotation that a watch measures.
- ``watch_anomaly.py``: an autoencoder that knows only the normal movement.
- ``digits_contrastive.py``: a siamese network, which compares two pictures.
- ``digits_transfer.py``: transfer learning from the archive of another model.
- ``keyword_spotting_synthetic.py``: words from speech synthesizers.
- ``keyword_spotting_tenet.py``: ten words of Speech Commands, by a TENet.
"""
