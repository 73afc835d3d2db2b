"""Audio: what the pipeline of `mltk.data.pipeline` needs to know about sound.

`generator` is the data generator, `mixin` its settings in a specification. `clip_bank` decodes clips, `transforms`
draws what is done to them, and `augment` has one file for each effect. `frontend` computes the features of the device,
`files` reads and writes audio, and `speech` makes datasets of spoken words.
"""
