"""Specifications that come with the package, and architectures they share. Modules here may import TensorFlow."""
