"""Names of MLTK 0.20 for streams through J-Link. They raise an error that says what to use instead."""

from mltk.utils._replaced import replaced_names

_replaced = replaced_names(
    __name__,
    needs="firmware of Silicon Labs and a J-Link",
    instead="Send the data through a serial port with the package pyserial.",
)

JLinkDataStream = _replaced("JLinkDataStream")
JlinkCommandStream = _replaced("JlinkCommandStream")
JlinkStream = _replaced("JlinkStream")
JlinkStreamOptions = _replaced("JlinkStreamOptions")
