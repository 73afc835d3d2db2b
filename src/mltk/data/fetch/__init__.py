"""Download files and unpack archives.

- ``download.py``: downloads that are verified, resumed, kept, and read from a mirror.
- ``unpack.py``: zip, tar and 7z archives, as untrusted input.
"""
