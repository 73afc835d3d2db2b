"""Subsets of MLCommons' datasets of speech. They are 7z archives, which need ``pip install 'openmltk[datasets]'``.

- ``ml_commons_keywords.py``: words, from the Multilingual Spoken Words Corpus.
- ``ml_commons_voice.py``: sentences, from Common Voice.
"""

from __future__ import annotations

from mltk._lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {}, ("ml_commons_keywords", "ml_commons_voice"))
