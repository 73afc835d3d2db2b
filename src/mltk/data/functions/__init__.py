"""A user's own functions in child processes.

`pickling` refers to a function of a script by its file. `process` starts the child processes and calls the function,
`worker` is their other side.
"""
