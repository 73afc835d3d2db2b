"""The bytes of a ``.tflite``: FlatBuffer layout, verification, reading and packing.

`codec` turns bytes into the schema's object model and back; `verify` checks untrusted bytes before anything follows
an offset in them; `reader` unpacks verified bytes; `appended` handles data that stands behind the FlatBuffer.
"""
