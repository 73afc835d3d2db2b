"""Specifications of published models.

- ``micro_speech.py``: "yes" and "no", the first example of TensorFlow Lite Micro.
- ``mlperf_keyword_spotting.py``: the keyword spotting benchmark of MLPerf Tiny.
"""
