"""TensorFlow Lite Micro's exact integers, many samples at a time, in NumPy and BLAS.

An int8 convolution or dense layer is a matrix product whose every partial sum is an integer below 2²⁴: float32
holds it exactly, whatever the order of the additions, so BLAS may compute it. What remains is to round as TFLM
does: its requantization rounds twice, which :mod:`.requantize` turns into one float64 expression per channel that
is checked, at build time, to give the same integer at every step of the output. Functions of one int8 value are
tables of 256 entries, and of two, of 65,536, filled by TFLM's fixed-point arithmetic (:mod:`.fixed_point`).

A graph with an operator outside this raises :class:`~.node.NotExactError` and is left to TFLM itself;
:mod:`mltk.micro.engines.run` also checks every run against TFLM on a random part of the samples.
"""

from mltk.micro.exact.model import ExactModel, compile_exact
from mltk.micro.exact.node import NotExactError

__all__ = ["ExactModel", "NotExactError", "compile_exact"]
