"""Audio that cannot be meant: repaired, used or refused, and said once for all files, whatever the format."""

from __future__ import annotations

import logging
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile  # type: ignore[import-untyped]

from helpers.audio_folder import RATE, tone
from mltk.audio import decoding
from mltk.audio.files import AudioFileError, audio_info, read_audio, read_audio_int16, write_audio
from mltk.audio.findings import Findings, Kind
from mltk.audio.frontend import AudioFeatureGeneratorSettings
from mltk.audio.generator import AudioBatches, ParallelAudioDataGenerator
from mltk.data.pipeline.findings import FindingKind
from mltk.data.pipeline.mixin import FileDatasetMixin
from mltk.errors import DatasetError

CLASSES = ["yes", "no"]
WORD = tone(440) * 0.4 / np.abs(tone(440)).max()


def read(path: Path, rate: int = RATE) -> tuple[npt.NDArray[np.int16], dict[FindingKind, str]]:
    """Return the samples of a file, and what was found in it."""
    findings = Findings()
    samples, _ = read_audio_int16(str(path), rate, findings)
    return samples, {kind: files[str(path)] for kind, files in findings.take().items()}


def wav(path: Path, samples: npt.NDArray[np.int16], said: int | None = None, *, rate: int = RATE, more: bytes = b"",
        before: bytes = b"", order: str = "<") -> Path:  # fmt: skip
    """Write a WAV file whose header says ``said`` bytes; ``more`` follows the data, ``before`` precedes it."""
    data = samples.astype(order + "i2").tobytes()
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    n = len(data) if said is None else said
    form = struct.pack(order + "HHIIHH", 1, channels, rate, 2 * channels * rate, 2 * channels, 16)
    head = struct.pack(order + "I", min(36 + len(before) + n, 0xFFFFFFFF))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        (b"RIFF" if order == "<" else b"RIFX")
        + head + b"WAVEfmt " + struct.pack(order + "I", 16) + form + before
        + b"data" + struct.pack(order + "I", n) + data + more
    )  # fmt: skip
    return path


def dataset(folder: Path, n: int = 10) -> Path:
    """Write ``n`` good files of each class."""
    for name in CLASSES:
        for i in range(n):
            write_audio(str(folder / name / f"{name}_{i:03d}.wav"), WORD, RATE)
    return folder


def generator(**options: object) -> ParallelAudioDataGenerator:
    settings = AudioFeatureGeneratorSettings(sample_rate_hz=RATE, sample_length_ms=500)
    options = {"cores": 2, "group_by": None, "frontend_settings": settings} | options
    return ParallelAudioDataGenerator(**options)  # type: ignore[arg-type]  # typed one by one


def one_epoch(batches: AudioBatches) -> None:
    list(batches.stream(0, len(batches)))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


# -- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["wav", "aiff", "w64", "caf"])
@pytest.mark.parametrize("width", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("full_scale", [2**15, 2**23, 2**31])
def test_integers_in_a_float_file_are_scaled(
    tmp_path: Path, form: str, width: str, channels: int, full_scale: int
) -> None:
    path = tmp_path / f"a.{form}"
    soundfile.write(path, np.stack([WORD * full_scale] * channels, 1), RATE, subtype=width)
    samples, found = read(path)
    assert set(found) == {Kind.SCALED}
    assert str(full_scale) in found[Kind.SCALED]
    assert np.abs(samples - np.rint(WORD * 32768)).max() <= 1
    assert np.abs(read_audio(str(path))[0] - WORD).max() < 1e-4


def test_a_quiet_file_of_integers_is_scaled_too(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(-3, 4, RATE)
    soundfile.write(tmp_path / "a.wav", values.astype("float32"), RATE, subtype="FLOAT")
    samples, found = read(tmp_path / "a.wav")
    assert set(found) == {Kind.SCALED}
    assert np.array_equal(samples, values)


def test_the_values_of_int16_in_a_file_of_int32_are_read_as_int16(tmp_path: Path) -> None:
    values = np.rint(WORD * 32768).astype(np.int32)
    soundfile.write(tmp_path / "a.wav", values, RATE, subtype="PCM_32")
    samples, found = read(tmp_path / "a.wav")
    assert set(found) == {Kind.SCALED}
    assert np.array_equal(samples, values)
    assert np.abs(read_audio(str(tmp_path / "a.wav"))[0] - WORD).max() < 1e-4


@pytest.mark.parametrize("width", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("peak", [1.5, 3.0, 7.5])
def test_values_beyond_full_scale_are_clipped_and_found(tmp_path: Path, width: str, peak: float) -> None:
    soundfile.write(tmp_path / "a.wav", WORD / 0.4 * peak, RATE, subtype=width)
    samples, found = read(tmp_path / "a.wav")
    assert found == {Kind.CLIPPED: f"peak {peak:.3g}, where 1 is full scale"}
    assert samples.max() == 32767


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_values_that_mean_nothing_are_an_error(tmp_path: Path, value: float) -> None:
    soundfile.write(tmp_path / "a.wav", np.where(np.arange(RATE) == 5, value, 0.1), RATE, subtype="FLOAT")
    with pytest.raises(AudioFileError, match=r"a\.wav contains (NaN or infinite samples|values up to 1e\+30)"):
        read(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("form", "width"),
    [("wav", "PCM_U8"), ("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "PCM_32"), ("wav", "FLOAT"), ("wav", "DOUBLE"),
     ("wav", "ULAW"), ("wav", "MS_ADPCM"), ("flac", "PCM_16"), ("flac", "PCM_24"), ("ogg", "VORBIS"),
     ("mp3", "MPEG_LAYER_III")],
)  # fmt: skip
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("level", [0.001, 0.4, 1.0])
def test_nothing_is_found_in_good_files(tmp_path: Path, form: str, width: str, channels: int, level: float) -> None:
    samples = np.random.default_rng(0).uniform(-level, level, RATE) if width == "PCM_U8" else WORD / 0.4 * level
    if width == "PCM_U8":
        samples = np.where(np.arange(RATE) % 2, samples + 0.02, samples) / 1.1
    soundfile.write(tmp_path / f"a.{form}", np.stack([samples] * channels, 1), RATE, subtype=width)
    assert read(tmp_path / f"a.{form}")[1] == {}


@pytest.mark.parametrize(
    ("form", "width"),
    [("wav", "PCM_U8"), ("wav", "PCM_16"), ("wav", "PCM_32"), ("wav", "DOUBLE"), ("flac", "PCM_16"), ("ogg", "VORBIS")],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_digital_silence_is_found(tmp_path: Path, form: str, width: str, channels: int) -> None:
    soundfile.write(tmp_path / f"a.{form}", np.zeros((RATE, channels)), RATE, subtype=width)
    samples, found = read(tmp_path / f"a.{form}")
    assert set(found) == {Kind.SILENT}
    assert not samples.any()


# -- channels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "width"), [("wav", "PCM_16"), ("wav", "FLOAT"), ("flac", "PCM_24"), ("aiff", "PCM_16")]
)
@pytest.mark.parametrize("first", ["silence", "a constant", "50 dB below"])
@pytest.mark.parametrize(("channels", "loud"), [(2, 1), (4, 2), (4, 3)])
def test_the_loudest_channel_replaces_a_silent_first_one(
    tmp_path: Path, form: str, width: str, first: str, channels: int, loud: int
) -> None:
    samples = np.stack([0.05 * WORD] * channels, 1)
    samples[:, 0] = {"silence": 0 * WORD, "a constant": 0 * WORD + 0.2, "50 dB below": 0.003 * WORD}[first]
    samples[:, loud] = WORD
    soundfile.write(tmp_path / f"a.{form}", samples, RATE, subtype=width)
    heard, found = read(tmp_path / f"a.{form}")
    assert found == {Kind.CHANNEL: f"channel {loud + 1} of {channels}"}
    assert np.abs(heard - WORD * 32768).max() <= 1


@pytest.mark.parametrize("level", [1.0, 0.02])
def test_a_first_channel_that_is_not_silent_stays(tmp_path: Path, level: float) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([level * WORD, tone(900) * 0.5], 1), RATE)
    heard, found = read(tmp_path / "a.wav")
    assert not found
    assert np.abs(heard - level * WORD * 32768).max() <= 1


# -- rates -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "guess"), [(16, "16 kHz"), (44, "44 kHz"), (1, ""), (160, ""), (16_000_000, "16000 Hz")]
)
def test_a_rate_that_no_recorder_has_is_an_error(tmp_path: Path, rate: int, guess: str) -> None:
    path = wav(tmp_path / "a.wav", np.rint(WORD * 32767).astype(np.int16), rate=rate)
    with pytest.raises(AudioFileError, match=rf"a\.wav: the header says a sample rate of {rate} Hz") as error:
        read(path)
    assert (f"Is it {guess}?" in str(error.value)) == bool(guess)
    with pytest.raises(AudioFileError, match="a sample rate"):
        read_audio(str(path), RATE)


@pytest.mark.parametrize(("rate", "wanted"), [(1000, 16000), (4000, 16000), (192_000, 16000), (500, 500), (800, 1000)])
def test_other_rates_are_read(tmp_path: Path, rate: int, wanted: int) -> None:
    path = wav(tmp_path / "a.wav", np.rint(tone(100, rate=rate) * 32767).astype(np.int16), rate=rate)
    samples, found = read(path, wanted)
    assert abs(len(samples) - wanted // 2) <= 1
    assert set(found) == ({Kind.LOW_RATE} if rate < wanted else set())


def test_a_small_file_cannot_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "a.flac", np.zeros(1 << 22, np.int16), RATE)
    assert len(read(tmp_path / "a.flac")[0]) == 1 << 22
    monkeypatch.setattr(decoding, "LARGEST_SAMPLES", 1 << 20)
    monkeypatch.setattr(decoding, "BLOCK_VALUES", 1 << 16)
    with pytest.raises(AudioFileError, match=r"a\.flac has only \d+ bytes, but contains more than"):
        read(tmp_path / "a.flac")


def test_a_header_that_claims_many_samples_takes_no_memory(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", WORD, RATE)
    content = bytearray((tmp_path / "a.flac").read_bytes())
    content[21] |= 0x0F  # the upper 4 of 36 bits of the number of samples
    (tmp_path / "a.flac").write_bytes(content)
    assert audio_info(str(tmp_path / "a.flac")).frames > 1 << 35
    with pytest.raises(AudioFileError, match=r"a\.flac can't be read as audio: .*the file is cut or damaged"):
        read(tmp_path / "a.flac")


@pytest.mark.parametrize("block", [100, 4096])
@pytest.mark.parametrize(("form", "width"), [("wav", "PCM_16"), ("flac", "PCM_16"), ("ogg", "VORBIS"), ("mp3", None)])
def test_reading_in_blocks_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, width: str, block: int
) -> None:
    soundfile.write(tmp_path / f"a.{form}", np.stack([WORD, 0.5 * WORD], 1), RATE, subtype=width)
    whole = read(tmp_path / f"a.{form}")[0]
    monkeypatch.setattr(decoding, "BLOCK_VALUES", block)
    assert np.array_equal(read(tmp_path / f"a.{form}")[0], whole)


# -- sizes -------------------------------------------------------------------------------------------------------------

INT16 = np.rint(WORD * 32767).astype(np.int16)
SIZE = 2 * len(INT16)
CHUNK = b"LIST" + struct.pack("<I", 10) + b"INFOabcdef"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("before", [b"", b"JUNK" + struct.pack("<I", 0)])
@pytest.mark.parametrize("said", [0, 100, SIZE // 2])
def test_a_size_that_is_too_small_is_repaired(tmp_path: Path, order: str, before: bytes, said: int) -> None:
    path = wav(tmp_path / "a.wav", INT16, said, before=before, order=order)
    samples, found = read(path)
    assert found == {Kind.SIZE: f"the header says {said} bytes, and {SIZE} follow"}
    assert np.array_equal(samples, INT16)
    assert audio_info(str(path)).frames == len(INT16)


@pytest.mark.parametrize("said", [0x7FFF0000, 0x7FFFFFFF, 0xFFFFFFF0, 0xFFFFFFFF])
def test_a_file_from_a_pipe_is_whole(tmp_path: Path, said: int) -> None:
    samples, found = read(wav(tmp_path / "a.wav", INT16, said))
    assert np.array_equal(samples, INT16)
    assert not found


@pytest.mark.parametrize("cut", [1, 1000, SIZE - 100])
def test_a_file_that_was_cut_is_read_as_far_as_it_goes(tmp_path: Path, cut: int) -> None:
    path = wav(tmp_path / "a.wav", INT16)
    path.write_bytes(path.read_bytes()[:-cut])
    samples, found = read(path)
    assert found == {Kind.CUT: f"the header says {SIZE} bytes, and {SIZE - cut} follow"}
    assert np.array_equal(samples, INT16[: (SIZE - cut) // 2])


@pytest.mark.parametrize(
    "more", [b"", CHUNK, CHUNK + CHUNK, b"TAG" + b"x" * 125, b"ID3" + b"x" * 2000, b"\0" * 4000, b"some bytes"]
)
def test_what_programs_append_is_not_audio(tmp_path: Path, more: bytes) -> None:
    samples, found = read(wav(tmp_path / "a.wav", INT16, more=more))
    assert np.array_equal(samples, INT16)
    assert not found


def test_an_empty_file_with_a_chunk_after_it_is_empty(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="contains no samples"):
        read(wav(tmp_path / "a.wav", INT16[:0], more=CHUNK))


# -- reports -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("own_function", [False, True])
@pytest.mark.parametrize("cores", [1, 3])
def test_each_kind_is_said_once_for_training_and_validation(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, cores: int, own_function: bool
) -> None:
    folder = dataset(tmp_path)
    for name in CLASSES:
        for i in range(10):
            wav(folder / name / f"{name}_{i:03d}.wav", INT16, said=0)
        soundfile.write(folder / name / f"{name}_000.wav", 0 * WORD, RATE)
    made = generator(cores=cores, validation_split=0.3, preprocessing_function=unchanged if own_function else None)
    training = made.flow_from_directory(str(folder), CLASSES, batch_size=4, subset="training", seed=1)
    validation = made.flow_from_directory(str(folder), CLASSES, batch_size=4, subset="validation", seed=1)
    for _ in range(2):
        one_epoch(training)
        assert not warnings(caplog) or _
        one_epoch(validation)
    training.shutdown()
    validation.shutdown()
    evaluation = made.flow_from_directory(str(folder), CLASSES, subset="validation", shuffle=False, augment=False)
    evaluation.drop_unreadable()
    said = warnings(caplog)
    assert len(said) == 2, said
    assert said[0].startswith("2 files contain nothing but digital silence: for example ")
    assert said[1].startswith("18 files have a size in their header that is too small; they are read to their end: ")
    assert f"the header says 0 bytes, and {SIZE} follow" in said[1]


def unchanged(params: object, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return x


@pytest.mark.parametrize("interrupted", [False, True])
def test_what_was_found_is_said_even_if_another_part_is_never_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, interrupted: bool
) -> None:
    folder = dataset(tmp_path)
    soundfile.write(folder / "yes" / "yes_009.wav", 0 * WORD, RATE)
    made = generator(validation_split=0.3)
    training = made.flow_from_directory(str(folder), CLASSES, batch_size=4, subset="training", seed=1)
    validation = made.flow_from_directory(str(folder), CLASSES, batch_size=4, subset="validation", seed=1)
    for _ in range(2):
        one_epoch(training)
    assert not warnings(caplog)  # batches of the second epoch may be made before validation
    if interrupted:
        training.shutdown()
    else:
        list(training.stream(0, 20 * len(training)))
    assert len(warnings(caplog)) == 1
    assert len(validation)


def test_files_that_are_read_one_by_one_are_reported_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from mltk.audio import files
    from mltk.audio.findings import SingleReads

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_single_reads", SingleReads())
        for name in "abc":
            read_audio(str(wav(tmp_path / f"{name}.wav", INT16, said=0)))
    assert [text.split(".wav")[0].endswith("a") for text in warnings(caplog)] == [True]


def test_a_separate_validation_generator_repeats_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = dataset(tmp_path)
    (folder / "yes" / "x.m4a").write_bytes(b"x")
    wav(folder / "no" / "z.wav", INT16, said=0)

    class Dataset(FileDatasetMixin):
        datagen_example = ""

    from mltk.specification.model import MltkModel

    model = type("Spotter", (MltkModel, Dataset), {})()
    model.dataset, model.classes = str(folder), CLASSES
    model.datagen, model.validation_datagen = generator(validation_split=0.3), generator(validation_split=0.3)
    model.load_dataset("training")
    one_epoch(model.x)
    one_epoch(model.validation_data)
    model.unload_dataset()
    model.load_dataset("evaluation")
    model.unload_dataset()
    said = warnings(caplog)
    assert [("m4a" in text, "size" in text) for text in said] == [(True, False), (False, True)], said


# -- background noise --------------------------------------------------------------------------------------------------


def noise(folder: Path, name: str = "hum") -> Path:
    write_audio(str(folder / f"{name}.wav"), 0.1 * WORD, RATE)
    return folder


@pytest.mark.parametrize(
    ("here", "there", "expected"), [(True, True, "here"), (True, False, "here"), (False, True, "there")]
)
def test_a_relative_noise_folder_is_here_or_in_the_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: bool, there: bool, expected: str
) -> None:
    folder = dataset(tmp_path / "data", 2)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    if here:
        noise(tmp_path / "work" / "_noise_", "here")
    if there:
        noise(folder / "_noise_", "there")
    made = generator(bg_noise_dir="_noise_", bg_noise_range=(0.1, 0.1))
    made.flow_from_directory(str(folder), CLASSES)
    assert made.backgrounds().names == [f"{expected}.wav"]


def test_a_noise_folder_that_is_nowhere_names_both_places(tmp_path: Path) -> None:
    folder = dataset(tmp_path, 2)
    with pytest.raises(DatasetError, match=rf"bg_noise_dir: the folder .*nowhere does not exist.*{folder}/nowhere"):
        generator(bg_noise_dir="nowhere").flow_from_directory(str(folder), CLASSES)


@pytest.mark.parametrize(
    ("on_disk", "asked"), [("gera\u0308usche", "ger\u00e4usche"), ("ger\u00e4usche", "gera\u0308usche")]
)
def test_a_noise_folder_is_found_however_its_name_is_composed(tmp_path: Path, on_disk: str, asked: str) -> None:
    folder = dataset(tmp_path / "data", 2)
    noise(tmp_path / on_disk)
    made = generator(bg_noise_dir=str(tmp_path / asked))
    made.flow_from_directory(str(folder), CLASSES)
    assert made.backgrounds().names == ["hum.wav"]


def test_what_is_left_out_of_the_noise_folder_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder, hum = dataset(tmp_path / "data", 2), noise(tmp_path / "noise")
    (hum / "street.m4a").write_bytes(b"x")
    noise(hum / ".trash")
    made = generator(bg_noise_dir=str(hum), validation_split=0.5)
    for subset in ("training", "validation"):
        made.flow_from_directory(str(folder), CLASSES, subset=subset)
    assert made.backgrounds().names == ["hum.wav"]
    said = warnings(caplog)
    assert len(said) == 2, said
    assert all(text.startswith("bg_noise_dir: ") for text in said)
    assert ".trash" in said[0]
    assert "street.m4a" in said[1]


def test_a_dataset_whose_rates_are_in_khz_is_one_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in CLASSES:
        for i in range(20):
            wav(tmp_path / name / f"{i}.wav", INT16, rate=16)
    batches = generator().flow_from_directory(str(tmp_path), CLASSES, batch_size=8, seed=1)
    with pytest.raises(DatasetError, match=r"of the 40 audio files can't be read(.|\n)*Is it 16 kHz\?"):
        one_epoch(batches)
    assert all(text.startswith("Skipping ") for text in warnings(caplog))
    assert len(warnings(caplog)) <= 2
