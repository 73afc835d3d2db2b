"""Layers of the models in ``kws_streaming/models``.

- ``speech_features.py``: mel features, computed in the model.
- ``sub_spectral_normalization.py``: batch normalization of groups of frequencies.
"""
