"""Names of MLTK 0.20 for J-Link. They raise an error that says what to use instead."""

from mltk.utils._replaced import replaced_names

_replaced = replaced_names(
    __name__,
    needs="the library of SEGGER J-Link",
    instead="Use the package pylink-square, which speaks to a J-Link.",
)

JLink = _replaced("JLink")
