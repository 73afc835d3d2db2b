"""A user's own functions in child processes: `pickling` names them, `process` starts and calls, `worker` runs them."""
