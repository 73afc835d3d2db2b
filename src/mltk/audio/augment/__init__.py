"""Audio augmentation: one effect a file, each with what it draws apart from what it does.

``draw(rng, n, range)`` draws the parameter of ``n`` clips from a ``numpy.random.Generator``; ``apply(clip, …)`` does
what a parameter says to one int16 clip. So an augmentation can be drawn once and kept, shown and tested::

    factors = speed.draw(np.random.default_rng(1), 3, (0.8, 1.2))
    slower = speed.apply(clip, 16000, factors[0])

The data generator applies all of them to whole batches at once, in C.
"""
