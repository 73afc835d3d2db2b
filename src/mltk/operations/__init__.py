"""The operations on a model, one per module: train, evaluate, quantize, summarize, profile, parity, view, …

``results/`` has what they return; all results have one protocol, `results.protocol.Results`. ``shared/`` has the steps
that several operations use: which model is meant (`load`), loading the specification (`prepare`), the Keras model, the
converter, the archive.
"""
