"""Reports as one HTML file that needs nothing else: no network, no server, no other file.

`page` makes the file from sections. The other modules make sections from plain typed data. Nothing here reads a model
or an archive; ``operations/report.py`` does.
"""
