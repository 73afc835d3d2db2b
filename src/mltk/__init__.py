"""openmltk: machine learning on microcontrollers, from one model specification."""
