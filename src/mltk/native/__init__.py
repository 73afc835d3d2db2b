"""C code that only the host runs, for the extension modules ``_effects``, ``_frontend`` and ``_images``."""
