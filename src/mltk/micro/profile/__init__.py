"""What a ``.tflite`` costs on a device, before there is one: memory, cycles, time."""
