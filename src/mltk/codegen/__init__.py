"""C code of a quantized model: C99 files that compute what TensorFlow Lite Micro computes, without an interpreter.

    program = lower(graph)                     # calls of the kernels in ``mltk/device/kernels``, and a plan of the RAM
    files = write_c(program, name="my_model")  # file name → text

:mod:`mltk.codegen.host` compiles the files and runs them on this machine.
"""
