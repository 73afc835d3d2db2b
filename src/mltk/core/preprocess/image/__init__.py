"""Import path of MLTK 0.20 for the image data generator."""
