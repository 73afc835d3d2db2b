"""Specifications of published models.

- ``keyword_spotting.py``, ``image_classification.py``, ``visual_wake_words.py``, ``anomaly_detection.py``: the four
  models of the benchmark MLPerf Tiny, under MLTK 0.20's names.
- ``mlperf_keyword_spotting.py``: the keyword spotter with one frame less.
"""
