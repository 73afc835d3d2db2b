"""Movements, measured by an accelerometer."""
