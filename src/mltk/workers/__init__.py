"""Child processes: one way to run work that may crash, hang or hold Python's lock.

`child` starts a child process, sends it requests and stops it; `child_main` answers the requests in the child; `wire`
is the format of the messages between them. The users are :mod:`mltk.micro.engines` (native runtimes),
:mod:`mltk.data.functions` (a user's own functions) and :mod:`mltk.audio.speech` (eSpeak NG).
"""
