"""The bytes of a ``.tflite``: layout, checks, reading and writing.

`loading` reads a file and returns checked objects of the schema. `flatbuffer` checks that every table lies inside the
file, by the `schema_layout`. `reader` unpacks the checked bytes, and `verify` checks the objects. `codec` turns bytes
into objects and back. `appended` handles data behind the FlatBuffer.
"""
