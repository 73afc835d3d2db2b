"""Names that MLTK 0.20's dataset modules happened to import, and which scripts may import from there.

``ALIASES`` is module → name → the module that has the name.
"""

from __future__ import annotations

_DOWNLOADS = {"download_verify_extract": "mltk.utils.archive_downloader"}
_IMAGES = {**_DOWNLOADS, "create_user_dir": "mltk.utils.path", "get_logger": "mltk.utils.logger"}
_WORDS = {
    **_DOWNLOADS,
    "AudioDatasetGenerator": "mltk.utils.audio_dataset_generator",
    "Augmentation": "mltk.utils.audio_dataset_generator",
    "Keyword": "mltk.utils.audio_dataset_generator",
    "VoicePitch": "mltk.utils.audio_dataset_generator",
    "VoiceRate": "mltk.utils.audio_dataset_generator",
    "create_user_dir": "mltk.utils.path",
    "fullpath": "mltk.utils.path",
}

ALIASES: dict[str, dict[str, str]] = {
    "mltk.datasets.accelerometer.tflm_magic_wand": _DOWNLOADS,
    "mltk.datasets.audio.background_noise.esc50": {**_DOWNLOADS, "ProcessPool": "mltk.utils.process_pool"},
    "mltk.datasets.audio.direction_commands": _WORDS,
    "mltk.datasets.audio.mit_ir_survey": {**_DOWNLOADS, "append_exception_msg": "mltk.utils.python"},
    "mltk.datasets.audio.mlcommons.ml_commons_keywords": _DOWNLOADS,
    "mltk.datasets.audio.mlcommons.ml_commons_voice": _DOWNLOADS,
    "mltk.datasets.audio.on_off": _WORDS,
    "mltk.datasets.audio.speech_commands.speech_commands_v2": {
        **_DOWNLOADS,
        "copy_directory": "mltk.utils.path",
        "get_mltk_logger": "mltk.specification.logs",
    },
    "mltk.datasets.audio.ten_digits": _WORDS,
    "mltk.datasets.audio.yes_no": _WORDS,
    "mltk.datasets.image.cifar10": _IMAGES,
    "mltk.datasets.image.fashion_mnist": _IMAGES,
    "mltk.datasets.image.mnist": _IMAGES,
    "mltk.datasets.image.rock_paper_scissors_v1": _DOWNLOADS,
    "mltk.datasets.image.rock_paper_scissors_v2": _DOWNLOADS,
}
