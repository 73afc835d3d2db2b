"""Everything that knows sound; `mltk.data.pipeline` has what all media share.

- ``generator.py``: the data generator with its settings.
- ``steps.py``: what audio does in each step of the pipeline.
- ``mixin.py``: the settings of a specification with audio files.
- ``files.py``: reading and writing audio files.
- ``decoding.py``, ``wav_header.py``: one file to one channel, with repairs. ``findings.py``: what was wrong with files.
- ``clip_bank.py``, ``backgrounds.py``: the decoded clips of a dataset and of background noise.
- ``transforms.py``: what is drawn for each clip, as input of the C code.
- ``sample_format.py``: sample rate, length, shape and data type of a sample.
- ``process_params.py``: the first argument of a user's own functions.
- ``detector.py``: detections from a stream of scores. ``listening.py``: from samples of a microphone to detections.
- ``frontend/``: the fixed-point audio features of the device.
- ``augment/``: effects, one in each file.
- ``speech/``: spoken words from synthesizers.
"""
