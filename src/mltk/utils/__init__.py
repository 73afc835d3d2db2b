"""Only for scripts written for MLTK 0.20. Write no new code here.

- ``archive_downloader.py``: download, verify and unpack archives.
- ``audio_dataset_generator.py``: synthesize datasets of spoken words.
- ``hasher.py``: hashes of files and values.
- ``logger.py``: loggers.
- ``path.py``: paths and folders.
- ``process_pool.py``: functions in worker processes.
- ``python.py``: Python values, modules and processes.
"""
