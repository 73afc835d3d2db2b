"""How the coefficients in ``src/mltk/micro/targets`` are fitted; run by ``benchmarks/cycle_estimates.py``."""
