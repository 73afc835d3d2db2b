"""Fits the coefficients in ``src/mltk/micro/targets``. ``benchmarks/cycle_estimates.py`` runs it."""
