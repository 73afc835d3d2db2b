"""The name of MLTK 0.20 for its audio window. It raises an error that says what to use instead."""

from mltk.utils._replaced import replaced_names

_replaced = replaced_names(
    __name__,
    needs="the audio window of MLTK 0.20",
    instead="Compute features with mltk.AudioFeatureGenerator and show them with matplotlib.",
)

run_audio_visualizer_app = _replaced("run_audio_visualizer_app")
