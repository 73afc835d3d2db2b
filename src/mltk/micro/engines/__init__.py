"""The engines that run a ``.tflite``: TensorFlow Lite Micro, LiteRT, and the exact kernels in NumPy.

`run` chooses an engine and computes samples with it. `runtimes` wraps the engines in this process; `process` runs them
in child processes, of which `worker` is the other side. `pool` spreads samples over several processes. `operators`
lists what TensorFlow Lite Micro has.
"""
