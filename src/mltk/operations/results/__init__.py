"""What the operations return, and the text and plots made from it.

``protocol``: what all results have in common. ``training``, ``evaluation`` (``classifier``, ``autoencoder``),
``quantization``, ``parity``, ``summary``: the results by operation. The results of profiling are in
`mltk.micro.profile.results`. ``plots``, ``plain_data``: figures as pictures and as JSON.
"""
