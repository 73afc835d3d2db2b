"""C code that only the host runs. Two extension modules, ``_effects`` and ``_frontend``, are built from it."""
