"""Child processes: work that may crash, hang or hold Python's lock runs in a process of its own."""
