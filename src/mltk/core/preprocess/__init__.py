"""Import path of MLTK 0.20; what is below it lives in `mltk.audio` and `mltk.data`."""
