"""Names of MLTK 0.20 for Simplicity Commander. They raise an error that says what to use instead."""

from mltk.utils._replaced import replaced_names

_replaced = replaced_names(
    __name__,
    needs="Simplicity Commander of Silicon Labs",
    instead="Program and reset the board with its own tool, or with OpenOCD or pyOCD.",
)

DeviceInfo = _replaced("DeviceInfo")
download_commander = _replaced("download_commander")
download_image_and_run = _replaced("download_image_and_run")
get_commander_settings = _replaced("get_commander_settings")
get_device_from_platform = _replaced("get_device_from_platform")
issue_command = _replaced("issue_command")
masserse_device = _replaced("masserse_device")
program_flash = _replaced("program_flash")
query_platform = _replaced("query_platform")
reset_device = _replaced("reset_device")
retrieve_device_info = _replaced("retrieve_device_info")
set_adapter_info = _replaced("set_adapter_info")
