"""What a ``.tflite`` costs on a device: memory, cycles and time, estimated without the device.

`profiler` profiles a model. `results`, `figures` and `layer_result` are what it returns. `table` shows them as text.
`features` counts what a layer does. `estimate` turns the counts into cycles of one of the `targets`. `ethos_u` gets the
cycles from `vela`. `memory` covers flash and RAM, and `budget` checks limits.
"""
