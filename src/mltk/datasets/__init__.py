"""Published datasets, which are downloaded at the first use, and spoken words, which are synthesized.

``MLTK_DATASET_DIR`` is the folder of all datasets, by default ``~/.mltk/datasets``. ``MLTK_DATASET_MIRROR`` is a folder
or an address with the same archives, for a machine without a connection.

- ``audio/``: recordings of words and of background noise, spoken words, impulse responses of rooms.
- ``image/``: images to classify.
- ``accelerometer/``: gestures.
- ``places.py``: the folder of a dataset.
"""
