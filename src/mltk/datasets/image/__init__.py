"""Images to classify.

- ``mnist.py``, ``fashion_mnist.py``, ``cifar10.py``: small images as arrays, or as a folder of class folders.
- ``rock_paper_scissors_v1.py``, ``rock_paper_scissors_v2.py``: hands, as a folder of class folders.
- ``folders.py``: writes arrays of images as a folder of class folders.
"""
