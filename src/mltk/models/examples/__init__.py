"""Specifications to learn from and to start from.

With small data, which is installed or synthesized:

- ``digits.py``: handwritten digits, the smallest example.
- ``watch_exercises.py``: gestures, from the acceleration and rotation that a watch measures.
- ``watch_anomaly.py``: an autoencoder that knows only the normal movement.
- ``digits_contrastive.py``: a siamese network, which compares two pictures.
- ``digits_transfer.py``: transfer learning from the archive of another model.
- ``keyword_spotting_synthetic.py``: words from speech synthesizers.

With data that the first run downloads; most names are those of MLTK 0.20:

- ``basic_example.py``, ``basic_tf_dataset_example.py``: arrays and ``tf.data``.
- ``image_example1.py``, ``image_tf_dataset.py``, ``binary_classification.py``: images.
- ``audio_example1.py``, ``audio_tf_dataset.py``, ``keyword_spotting_tenet.py``: words.
- ``conv1d_example.py``: heart rhythms, by 1-D convolutions.
- ``autoencoder_example.py``: heartbeats that are not normal.
- ``siamese_contrastive.py``: pairs of digits.
"""
