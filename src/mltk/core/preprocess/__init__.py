"""Import path of MLTK 0.20 for names of `mltk.audio` and `mltk.data`."""
