"""From a graph to a program: one function for each operator. :func:`mltk.codegen.lowering.lower.lower` does it."""
