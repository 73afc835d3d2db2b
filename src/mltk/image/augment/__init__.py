"""Effects on images, one in each file; each changes one image in place, or returns a new one."""
