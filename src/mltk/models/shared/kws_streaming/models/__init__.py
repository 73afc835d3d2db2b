"""Models for keyword spotting.

- ``bc_resnet.py``: BC-ResNet.
"""
