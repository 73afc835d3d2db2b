"""From files to batches, for data of every kind.

- ``class_files.py``, ``listing.py``, ``splitting.py``: the files of each class, which are chosen, and which validate.
- ``iterate.py``: any dataset once, batch by batch.
- ``pipeline/``: batches from files with random augmentation, made ahead.
- ``functions/``: a user's own functions in worker processes.
- ``fetch/``: downloading and unpacking.
"""
