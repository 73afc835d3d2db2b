"""Names of MLTK 0.20 for its client of SSH. They raise an error that says what to use instead."""

from mltk.utils._replaced import replaced_names

_replaced = replaced_names(
    __name__,
    needs="MLTK 0.20's client of SSH",
    instead="Use the command 'mltk ssh', which runs the system's OpenSSH client.",
)

SshClient = _replaced("SshClient")
run_mltk_command = _replaced("run_mltk_command")
