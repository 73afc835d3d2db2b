"""What a user writes: the model specification.

- ``model.py``, ``model_files.py``: the class of every specification, and what it knows about its files.
- ``train_settings.py``, ``dataset_settings.py``, ``evaluate_settings.py``: the mixins.
- ``settings.py``, ``types.py``, ``setting_names.py``, ``describe.py``: settings, their types, names and pages.
- ``own_dataset.py``, ``sources.py``: a user's own dataset, and the kinds of datasets.
- ``loading.py``, ``search.py``, ``names.py``: load a specification, find it by its name, check its name.
- ``archive_file.py``, ``weights.py``: the model archive; names of checkpoints and of weights files.
- ``events.py``, ``metadata.py``, ``logs.py``: events, a user's own metadata in the ``.tflite``, loggers.
"""
