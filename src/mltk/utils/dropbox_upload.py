"""The name of MLTK 0.20 for uploads to Dropbox. It raises an error that says what to use instead."""

from mltk.utils._replaced import replaced_names

_replaced = replaced_names(
    __name__,
    needs="a client of Dropbox",
    instead="Upload the file with the package dropbox, or with a command-line tool such as rclone.",
)

upload_file = _replaced("upload_file")
