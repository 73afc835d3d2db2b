"""Run generated C code on an emulated processor, and count what it does."""
