"""Audio augmentation: one effect in each file, with drawing apart from applying.

``draw(rng, n, span)`` draws a parameter for ``n`` clips from a ``numpy.random.Generator``. ``apply(clip, …)`` does to
one int16 clip what a parameter says. So a parameter can be drawn once, then kept, shown and tested::

    factors = speed.draw(np.random.default_rng(1), 3, (0.8, 1.2))
    slower = speed.apply(clip, 16000, factors[0])

The data generator applies all effects to whole batches at once, in C.
"""
