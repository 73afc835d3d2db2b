"""The engines that run a ``.tflite``: TensorFlow Lite Micro, LiteRT, and the exact kernels in NumPy.

`run` chooses an engine and runs samples through it; `runtimes` wraps the native runtimes; `process`, `pool` and
`worker` keep them in child processes.
"""
