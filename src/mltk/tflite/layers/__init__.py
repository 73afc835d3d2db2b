"""The layers of a ``.tflite``: `base` for any operator, `typed` for the operators that have properties of their own."""
