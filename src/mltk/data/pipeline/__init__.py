"""Batches of samples from files, made ahead of training; every medium uses it.

- ``generator.py``: the base of the data generators.
- ``batches.py``: the steps of a batch, and the protocol of a medium.
- ``epochs.py``, ``order.py``: batches as a sequence or an iterator; which samples an epoch has.
- ``flow.py``: the arguments of ``flow_from_directory``.
- ``bank.py``: decoded samples.
- ``findings.py``: what is wrong with files that can be read nevertheless.
- ``hooks.py``: a user's own functions.
- ``normalize.py``, ``ranges.py``: normalization; ranges that parameters are drawn from.
- ``mixin.py``: the settings of a specification.
"""
