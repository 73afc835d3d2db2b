"""Train a model on another machine.

- ``remote.py``: upload, start, follow, fetch.
- ``scripts.py``: the shell scripts that run there.
- ``client.py``: the system's OpenSSH client.
- ``configure.py``: the settings, from the command line, the specification and the user settings file.
"""
