"""The tensor arena of a model: `planner` plans it from the file, `arena` lets TensorFlow Lite Micro measure it."""
