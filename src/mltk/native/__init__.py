"""C code that only the host runs: ``_effects``, ``_frontend``, ``_images`` and ``_detections``."""
