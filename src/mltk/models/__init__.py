"""Specifications that come with the package, and architectures. Modules here may import TensorFlow.

- ``examples/``: specifications to learn from and to start from.
- ``tinyml/``: specifications of published models.
- ``shared/``: functions that build architectures.
"""
