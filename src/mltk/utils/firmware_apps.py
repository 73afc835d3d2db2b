"""Names of MLTK 0.20 for firmware images of Silicon Labs. They raise an error that says what to use instead."""

from mltk.utils._replaced import replaced_names

_replaced = replaced_names(
    __name__,
    needs="firmware images of Silicon Labs",
    instead="Build the .tflite into your own firmware; 'mltk profile' estimates its cost without a board.",
)

add_image = _replaced("add_image")
get_image = _replaced("get_image")
get_image_extension = _replaced("get_image_extension")
get_url_key = _replaced("get_url_key")
program_image_with_model = _replaced("program_image_with_model")
program_model = _replaced("program_model")
