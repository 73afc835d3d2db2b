"""Import paths of Google's kws_streaming, as far as the published specifications use them.

- ``models/bc_resnet.py``: BC-ResNet with sub-spectral normalization, from the samples of a clip to logits.
- ``layers/``: its layers.

The rest of kws_streaming is not here: it is for streaming with TensorFlow 1, and no specification uses it.
"""
