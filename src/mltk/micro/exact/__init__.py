"""TensorFlow Lite Micro's exact integers, many samples at a time, in NumPy and BLAS.

An int8 convolution or dense layer is a matrix product. Every partial sum is an integer below 2²⁴, which float32 holds
exactly, whatever the order of the additions. So BLAS may compute it. The rest is rounding as TFLM does. TFLM's
requantization rounds twice. :mod:`.requantize` turns it into one float64 expression for each channel, and checks when
the model is loaded that it is the same integer at every step of the output. Functions of one int8 value are tables of
256 entries, and functions of two int8 values tables of 65,536. :mod:`.fixed_point` fills them with TFLM's arithmetic.

A graph with another operator raises :class:`~.node.NotExactError`, and TFLM itself has to compute it.
:mod:`mltk.micro.engines.run` also checks every run against TFLM on a random part of the samples.
"""

from mltk.micro.exact.model import ExactModel, compile_exact
from mltk.micro.exact.node import NotExactError

__all__ = ["ExactModel", "NotExactError", "compile_exact"]
