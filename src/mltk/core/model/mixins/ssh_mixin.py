"""Import path of MLTK 0.20 for `mltk.specification.ssh_settings`."""

from mltk.specification.ssh_settings import SshMixin

__all__ = ["SshMixin"]
