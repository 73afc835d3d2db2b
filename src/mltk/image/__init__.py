"""Everything that knows images; `mltk.data.pipeline` has what all media share.

- ``generator.py``: the data generator with its settings.
- ``flow_methods.py``: its ``flow`` methods. ``flow.py`` has their arguments and the batches.
- ``array_flow.py``, ``dataframe_flow.py``: reading of arrays, and of tables of files.
- ``arrays.py``: the images of a specification that are arrays.
- ``steps.py``: what images do in each step of the pipeline.
- ``mixin.py``: the settings of a specification with images.
- ``files.py``: reading and writing image files.
- ``findings.py``: what is lost when a file is read.
- ``image_bank.py``: the decoded images of a dataset.
- ``image_format.py``: size, channels and depth of an image.
- ``transforms.py``: what is drawn for each image.
- ``process_params.py``: the first argument of a user's own functions.
- ``augment/``: effects, one in each file.
"""
