"""Import paths of MLTK 0.20: a module for each mixin of a specification."""
