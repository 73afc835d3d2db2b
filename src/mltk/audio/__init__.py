"""Everything that knows sound.

- ``files.py``: audio files.
- ``sample_format.py``: rate, length, type and features of a sample.
- ``clip_bank.py``: the clips of a dataset in memory.
- ``transforms.py``: from a clip to a sample.
- ``batches.py``, ``generator.py``: batches of samples for training.
- ``mixin.py``: the settings of a specification with audio files.
- ``frontend/``: the fixed-point audio features of the device.
- ``augment/``: effects, one in each file.
- ``speech/``: spoken words from synthesizers.
"""
