"""Names of MLTK 0.20 for streams through a serial port. They raise an error that says what to use instead."""

from mltk.utils._replaced import replaced_names

_replaced = replaced_names(
    __name__,
    needs="firmware of Silicon Labs",
    instead="Send the data through a serial port with the package pyserial.",
)

Command = _replaced("Command")
PacketHeader = _replaced("PacketHeader")
UartStream = _replaced("UartStream")
