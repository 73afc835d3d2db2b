"""The name of MLTK 0.20 for a serial port. It raises an error that says what to use instead."""

from mltk.utils._replaced import replaced_names

_replaced = replaced_names(
    __name__,
    needs="a serial port",
    instead="Read the port with the package pyserial, class serial.Serial.",
)

SerialReader = _replaced("SerialReader")
