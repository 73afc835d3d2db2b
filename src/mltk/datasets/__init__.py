"""Published datasets, downloaded when first used, and spoken words that are synthesized.

``MLTK_DATASET_DIR`` is the folder they are kept in, by default ``~/.mltk/datasets``; ``MLTK_DATASET_MIRROR`` is a
folder or address with the same archives, for a machine without a connection.
"""
