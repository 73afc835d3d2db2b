"""The tensor arena: `arena` measures it with TensorFlow Lite Micro, `planner` plans it as TFLM's planner does."""
