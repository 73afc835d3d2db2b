"""The data generator: what its batches hold, that they are always the same, and what a user may ask of it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from helpers.audio_folder import CLASSES, RATE, noise_folder, tone
from mltk.audio.files import read_audio, to_int16, write_audio
from mltk.audio.frontend import AudioFeatureGenerator, AudioFeatureGeneratorSettings
from mltk.audio.generator import ParallelAudioDataGenerator
from mltk.errors import DatasetError, SettingError

NAMES = list(CLASSES)


def settings(**options):
    return AudioFeatureGeneratorSettings(**({"window_size_ms": 30, "window_step_ms": 20} | options))


def generator(**options):
    return ParallelAudioDataGenerator(**({"frontend_settings": settings(), "dtype": "int8"} | options))


def everything(noises):
    """All effects on."""
    return {
        "speed_range": (0.8, 1.2),
        "pitch_range": (-2, 2),
        "vtlp_range": (0.9, 1.1),
        "trim_range_db": (10, 40),
        "loudness_range": (0.2, 1.0),
        "noise_colors": "all",
        "noise_color_range": (0.1, 0.4),
        "bg_noise_dir": str(noises),
        "bg_noise_range": (0.1, 0.4),
    }


def flow(tones, classes=NAMES, flow_options=None, **options):
    return generator(**options).flow_from_directory(str(tones), classes, **({"seed": 1} | (flow_options or {})))


def same(a, b) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


# -- what batches are ----------------------------------------------------------------------------------------------


def test_shapes_and_types(tones) -> None:
    batches = flow(tones, dtype="float32", frontend_dtype="int8")
    x, y = batches.batch(0, 0)
    assert (x.shape, x.dtype) == ((32, 49, 32, 1), np.float32)
    assert (y.shape, y.dtype) == ((32, 3), np.float32)
    assert x.min() >= -128
    assert x.max() <= 127
    assert len(batches) == 2
    assert len(batches.batch(0, 1)[0]) == 28
    assert batches.class_counts == dict.fromkeys(NAMES, 20)
    assert (batches.n, batches.num_classes, batches.class_indices["high"]) == (60, 3, 2)


@pytest.mark.parametrize(("mode", "shape"), [("sparse", (8,)), ("binary", (8,)), ("input", (8, 49, 32, 1))])
def test_class_modes(tones, mode, shape) -> None:
    x, y = flow(tones, flow_options={"class_mode": mode, "batch_size": 8}).batch(0, 0)
    assert y.shape == shape
    assert mode != "input" or np.array_equal(x, y)


def test_no_labels(tones) -> None:
    assert flow(tones, flow_options={"class_mode": None}).batch(0, 0).shape == (32, 49, 32, 1)


def test_unaugmented_features_are_those_of_the_device(tones) -> None:
    """Files in, features out: the same values as the frontend gives for the padded clip."""
    batches = flow(tones, flow_options={"augment": False, "shuffle": False}, trim_threshold_db=0, cores=2)
    x, y = batches.batch(0, 0)
    frontend = AudioFeatureGenerator(settings())
    for features, name in zip(x, batches.filenames, strict=False):
        clip, _ = read_audio(str(tones / name))
        padded = np.zeros(RATE, np.int16)
        padded[: len(clip)] = to_int16(clip)
        assert np.array_equal(features[..., 0], frontend.process_sample(padded, np.int8))
    assert y.argmax(axis=1)[:20].tolist() == [0] * 20


def test_audio_without_a_frontend(tones) -> None:
    batches = flow(tones, frontend_enabled=False, dtype="float32", loudness_range=(0.5, 0.5))
    x, _ = batches.batch(0, 0)
    assert (x.shape, x.dtype) == ((32, RATE), np.float32)
    assert 0 < np.abs(x).max() <= 0.5


def test_labels_go_with_their_samples(tones) -> None:
    """The strongest channel tells the tone, and so the class."""
    batches = flow(tones, dtype="float32", frontend_dtype="uint16")
    x, y = batches.batch(0, 0)
    channel = x.sum(axis=(1, 3)).argmax(axis=1)
    strongest = [set(channel[y[:, c] == 1]) for c in range(3)]
    assert max(strongest[0]) < min(strongest[1])
    assert max(strongest[1]) < min(strongest[2])


def test_every_sample_once_an_epoch(tones) -> None:
    batches = flow(tones)
    orders = [batches.order(epoch) for epoch in range(3)]
    assert all(sorted(order) == list(range(60)) for order in orders)
    assert not np.array_equal(orders[0], orders[1])
    assert flow(tones, flow_options={"shuffle": False}).order(5).tolist() == list(range(60))


def test_normalization(tones) -> None:
    batches = flow(tones, dtype="float32", samplewise_center=True, samplewise_std_normalization=True)
    x, _ = batches.batch(0, 0)
    np.testing.assert_allclose(x.mean(axis=(1, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(x.std(axis=(1, 2, 3)), 1, atol=1e-3)


def test_no_channel_dimension(tones) -> None:
    batches = flow(tones, add_channel_dimension=False)
    assert batches.batch(0, 0)[0].shape == (32, 49, 32)
    assert batches.generator.sample_shape == (49, 32)


# -- always the same -----------------------------------------------------------------------------------------------


def test_batches_do_not_depend_on_threads_or_order(tones, noises) -> None:
    one = flow(tones, cores=1, max_batches_pending=1, **everything(noises))
    many = flow(tones, cores=4, max_batches_pending=8, **everything(noises))
    streamed = list(many.stream(0, 6))
    for number in (5, 0, 3, 1, 4, 2):
        assert same(one.batch(*divmod(number, 2)), streamed[number])
    assert not same(streamed[0], streamed[2])


def test_a_stream_can_start_anywhere(tones, noises) -> None:
    whole = list(flow(tones, **everything(noises)).stream(0, 6))
    late = list(flow(tones, **everything(noises)).stream(3, 3))
    assert all(same(a, b) for a, b in zip(whole[3:], late, strict=True))


def test_another_seed_gives_other_batches(tones) -> None:
    assert not same(flow(tones).batch(0, 0), flow(tones, flow_options={"seed": 2}).batch(0, 0))


def test_as_a_sequence_and_as_an_iterator(tones) -> None:
    batches, again = flow(tones), flow(tones)
    by_index = [batches[i] for i in range(len(batches))]
    assert all(same(a, b) for a, b in zip(by_index, again, strict=True))
    batches.on_epoch_end()
    second = list(again)
    assert len(second) == 2
    assert same(batches[0], second[0])
    assert not same(by_index[0], second[0])
    with pytest.raises(IndexError):
        batches[2]
    for made in (batches, again):
        made.shutdown()
    assert same(batches[1], second[1])
    batches.shutdown()


def test_no_seed_takes_numpys(tones) -> None:
    np.random.seed(5)
    first = flow(tones, flow_options={"seed": None}).seed
    np.random.seed(5)
    assert flow(tones, flow_options={"seed": None}).seed == first


def test_it_pickles(tones, noises) -> None:
    batches = flow(tones, **everything(noises))
    x = batches.batch(1, 0)
    assert same(pickle.loads(pickle.dumps(batches)).batch(1, 0), x)


# -- unknown, silence, subsets -------------------------------------------------------------------------------------


def test_unknown_and_silence(tones, noises) -> None:
    classes = ["low", "_unknown_", "_silence_"]
    batches = flow(tones, classes, noise_colors="pink", noise_color_range=(0.1, 0.1), silence_class_percentage=0.5)
    assert batches.class_counts == {"low": 20, "_unknown_": 20, "_silence_": 10}
    x, y = (np.concatenate(part) for part in zip(*batches.stream(0, 2), strict=True))
    assert y.sum(axis=0).tolist() == [20, 20, 10]
    silent = x[y[:, 2] == 1]
    assert len(np.unique(silent.reshape(10, -1), axis=0)) == 10  # noise, each time another piece


def test_each_epoch_draws_other_unknown_samples(tones) -> None:
    batches = flow(tones, ["low", "_unknown_"])
    seen = {int(i) for epoch in range(8) for i in batches.order(epoch)}
    names = {batches._names[i] for i in seen}
    assert {name.split("/")[0] for name in names} == {"low", "middle", "high"}
    assert len(names) == 60


def test_subsets_share_no_speaker(tones) -> None:
    made = {s: flow(tones, flow_options={"subset": s}, validation_split=0.2) for s in ("training", "validation")}
    speakers = {s: {name.split("_")[1] for name in b.filenames} for s, b in made.items()}
    assert (len(speakers["training"]), len(speakers["validation"])) == (4, 1)
    assert not speakers["training"] & speakers["validation"]


def test_validation_augmentation_can_be_turned_off(tones) -> None:
    options = {"validation_split": 0.2, "loudness_range": (0.1, 1.0), "validation_augmentation_enabled": False}
    batches = flow(tones, flow_options={"subset": "validation", "shuffle": False}, **options)
    assert same(batches.batch(0, 0), batches.batch(1, 0))


def test_max_samples_per_class_and_counts(tones) -> None:
    counts: dict[str, int] = {}
    flow(tones, flow_options={"max_samples_per_class": 3, "class_counts": counts})
    assert counts == dict.fromkeys(NAMES, 3)


def test_dumps_what_augmentation_made(tones, tmp_path) -> None:
    options = {"save_to_dir": str(tmp_path / "dump"), "save_prefix": "made-", "batch_size": 4, "shuffle": False}
    flow(tones, flow_options=options, offset_range=(1.0, 1.0)).batch(0, 0)
    files = sorted(path.name for path in (tmp_path / "dump").iterdir())
    assert files == [f"made-low-0-0-{i}.wav" for i in range(4)]
    clip, rate = read_audio(str(tmp_path / "dump" / files[0]))
    assert (len(clip), rate) == (RATE, RATE)
    assert np.abs(clip[: RATE // 4]).max() == 0


# -- transforms ----------------------------------------------------------------------------------------------------


def test_a_transform_can_be_drawn_kept_and_applied(noises) -> None:
    made = generator(**everything(noises))
    params = made.get_random_transform(np.random.default_rng(4))
    assert set(made.default_transform) == set(params)
    clip = tone(440)
    changed = made.apply_transform(clip, RATE, params)
    assert (changed.shape, changed.dtype) == ((RATE,), np.float32)
    assert np.array_equal(changed, made.apply_transform(clip, RATE, dict(params)))
    assert not np.array_equal(changed, made.apply_transform(clip, RATE, made.default_transform))


def test_the_ends_of_each_clip_are_cut_at_another_level(tmp_path) -> None:
    """Half a second that becomes louder and softer again, 40 dB to either side: what is left of it differs."""
    rise = np.linspace(-40, 0, RATE // 4)
    clip = tone(900) * 10 ** (np.concatenate([rise, rise[::-1]]) / 20)
    for take in range(64):
        write_audio(str(tmp_path / "tones" / "high" / f"high_anna_{take}.wav"), clip, RATE)
    options = {"frontend_enabled": False, "trim_threshold_db": 0, "offset_range": None, "dtype": "float32"}

    def lengths(**more):
        batches = flow(tmp_path / "tones", ["high"], {"batch_size": 64}, **options, **more)
        return np.array([np.flatnonzero(x)[-1] + 1 for x in batches.batch(0, 0)[0]]) / RATE

    assert lengths() == pytest.approx(0.5, abs=0.001)
    cut = lengths(trim_range_db=(5, 35))
    assert 0.04 < cut.min() < 0.2 < 0.3 < cut.max() < 0.46
    both = generator(**options, trim_range_db=(5, 35))
    part = both.apply_transform(clip, RATE, {"start_db": 20, "stop_db": 10}, whole_sample=True)
    assert len(part) / RATE == pytest.approx(0.125 + 0.0625, abs=0.03)
    assert np.array_equal(both.apply_transform(clip, RATE, {"start_db": 20, "stop_db": 10})[: len(part)], part)


def test_the_default_transform_only_pads() -> None:
    clip = tone(440)
    made = generator(trim_threshold_db=0)
    padded = made.apply_transform(clip, RATE, made.default_transform)
    np.testing.assert_allclose(padded[: len(clip)], clip, atol=2 / 32768)
    assert not padded[len(clip) :].any()
    assert len(made.apply_transform(clip, RATE, {"speed_factor": 0.5}, whole_sample=True)) == 2 * len(clip)


def test_adjust_length_resamples_and_cuts() -> None:
    made = generator(trim_threshold_db=0)
    assert len(made.adjust_length(tone(440, 1.0, rate=8000), 8000, whole_sample=True)) == RATE
    assert len(made.adjust_length(tone(440, 1.0), RATE, out_length=100, offset=0.5)) == 100


def test_frontend_and_standardize_of_one_sample() -> None:
    made = generator(rescale=0.5)
    features = made.apply_frontend(tone(440, 1.0), np.int8)
    assert np.array_equal(features, AudioFeatureGenerator(settings()).process_sample(to_int16(tone(440, 1.0)), np.int8))
    assert made.standardize(np.array([2.0, 4.0])).tolist() == [1, 2]


def test_sample_rate_and_length_are_the_frontends() -> None:
    made = generator()
    made.sample_rate_hz, made.sample_length_ms = 8000, 500
    made.frontend_settings.filterbank_upper_band_limit = 3500.0
    assert made.frontend_settings.sample_rate_hz == 8000
    assert (made.sample_length, made.sample_shape) == (4000, (24, 32, 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"speed_rnge": (1, 2)}, "speed_rnge"),
        ({"speed_range": (2, 1)}, "speed_range"),
        ({"speed_range": 1.5}, "speed_range"),
        ({"vtlp_range": (0, 3)}, "vtlp_range"),
        ({"trim_range_db": (20, 90)}, "trim_range_db"),
        ({"offset_range": (0, 2)}, "offset_range"),
        ({"pitch_range": (0.5, 3.0)}, "pitch_range"),
        ({"noise_colors": ["red"]}, "red"),
        ({"validation_split": 1.5}, "validation_split"),
        ({"dtype": "float33"}, "float33"),
        ({"dtype": "float64"}, "frontend_dtype"),
    ],
)
def test_impossible_settings_are_refused(options, message) -> None:
    with pytest.raises((SettingError, TypeError), match=message):
        generator(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_mode": "categorial"}, "Did you mean 'categorical'"),
        ({"subset": "train"}, "subset is 'train'"),
        ({"subset": "validation"}, "validation_split is 0"),
        ({"seeed": 1}, "seeed"),
    ],
)
def test_impossible_arguments_are_refused(tones, options, message) -> None:
    with pytest.raises((DatasetError, TypeError), match=message):
        flow(tones, flow_options=options)


# -- bad input -----------------------------------------------------------------------------------------------------


@pytest.fixture
def damaged(tmp_path):
    """30 good files of class ``low``, and what can be wrong with others of class ``high``."""
    for i in range(30):
        write_audio(str(tmp_path / "low" / f"{i}.wav"), tone(300), RATE)
        write_audio(str(tmp_path / "high" / f"{i}.wav"), tone(3000), RATE)
    return tmp_path


def nan_file(path):
    import soundfile  # type: ignore[import-untyped]  # has no stubs

    samples = tone(3000)
    samples[100] = np.nan
    soundfile.write(path, samples, RATE, subtype="FLOAT")


def truncated_flac(path):
    write_audio(str(path), np.random.default_rng(0).normal(0, 0.1, RATE), RATE)
    path.write_bytes(path.read_bytes()[:200])


BAD_FILES = {
    "nan.wav": (nan_file, "NaN or infinite samples"),
    "text.wav": (lambda path: path.write_text("not audio at all"), "can't be read as audio"),
    "short.flac": (truncated_flac, "short.flac"),
    "header.wav": (lambda path: path.write_bytes((path.parent / "0.wav").read_bytes()[:44]), "contains no samples"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_an_unreadable_file_is_named_and_another_of_its_class_taken(damaged, name, caplog) -> None:
    make, message = BAD_FILES[name]
    make(damaged / "high" / name)
    batches = flow(damaged, ["low", "high"], flow_options={"batch_size": 61})
    x, y = batches.batch(0, 0)
    assert message in caplog.text
    assert name in caplog.text
    assert len(x) == 61
    assert y.sum(axis=0).tolist() == [30, 31]
    again = flow(damaged, ["low", "high"], flow_options={"batch_size": 61}, cores=2)
    assert same(again.batch(0, 0), (x, y))


def test_for_evaluation_unreadable_files_are_left_out(damaged) -> None:
    nan_file(damaged / "high" / "nan.wav")
    batches = flow(damaged, ["low", "high"], flow_options={"shuffle": False, "augment": False})
    batches.drop_unreadable()
    assert batches.class_counts == {"low": 30, "high": 30}
    assert sum(len(x) for x, _ in batches.stream(0, len(batches))) == 60


def test_a_file_cut_short_is_as_long_as_it_is(damaged) -> None:
    path = damaged / "high" / "cut.wav"
    path.write_bytes((damaged / "high" / "0.wav").read_bytes()[:4000])
    assert len(flow(damaged, ["low", "high"], flow_options={"batch_size": 61}).batch(0, 0)[0]) == 61


def test_too_many_unreadable_files_are_an_error(damaged) -> None:
    for i in range(8):
        (damaged / "high" / f"{i}.wav").write_text("no audio")
    batches = flow(damaged, ["low", "high"], flow_options={"batch_size": 60})
    with pytest.raises(DatasetError, match=r"of the 60 audio files can't be read, .*5\.0%") as error:
        batches.batch(0, 0)
    assert "high" in str(error.value)
    assert len(flow(damaged, ["low", "high"], max_unreadable=0.2).batch(0, 0)[0]) == 32


def test_no_file_may_be_unreadable_if_none_is_allowed(damaged) -> None:
    (damaged / "high" / "0.wav").write_text("no audio")
    whole = {"flow_options": {"batch_size": 60}}
    assert len(flow(damaged, ["low", "high"], max_unreadable=1e-6, **whole).batch(0, 0)[0]) == 60
    with pytest.raises(DatasetError, match=r"1 of the 60 audio files can't be read, .*0\.0%"):
        flow(damaged, ["low", "high"], max_unreadable=0, **whole).batch(0, 0)


def test_a_window_longer_than_the_clip_is_an_error() -> None:
    with pytest.raises(SettingError, match="longer than the clip"):
        _ = generator(frontend_settings=settings(sample_length_ms=20)).sample_shape


def test_a_missing_or_empty_noise_folder_is_an_error(tones, tmp_path) -> None:
    with pytest.raises(DatasetError, match=r"bg_noise_dir: the folder .*nowhere does not exist"):
        flow(tones, bg_noise_dir=str(tmp_path / "nowhere"), bg_noise_range=(0.1, 0.4))
    with pytest.raises(DatasetError, match="contains no audio files"):
        flow(tones, bg_noise_dir=str(tmp_path), bg_noise_range=(0.1, 0.4))


def test_files_below_the_wanted_rate_are_named(tmp_path, caplog) -> None:
    write_audio(str(tmp_path / "low" / "a.wav"), tone(300, rate=8000), 8000)
    flow(tmp_path, ["low"]).batch(0, 0)
    assert "8000 Hz" in caplog.text
    assert "4000 Hz" in caplog.text


@pytest.mark.parametrize("extension", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_formats_rates_and_channels(tmp_path, extension, rate) -> None:
    import soundfile

    (tmp_path / "low").mkdir()
    stereo = np.stack([tone(440, 1.0, rate=rate), np.zeros(rate, np.float32)], axis=1)
    soundfile.write(tmp_path / "low" / f"a.{extension}", stereo, rate)
    batches = flow(tmp_path, ["low"], frontend_enabled=False, dtype="float32", trim_threshold_db=0)
    x, _ = batches.batch(0, 0)
    spectrum = np.abs(np.fft.rfft(x[0]))
    assert spectrum.argmax() * RATE / len(x[0]) == pytest.approx(440, abs=3)
    assert 0.15 < np.std(x) < 0.25


def test_audio_beyond_the_memory_limit_goes_to_a_file(tones, caplog) -> None:
    small = flow(tones, memory_limit_bytes=0)
    assert same(small.batch(0, 0), flow(tones).batch(0, 0))


def test_background_noise_is_in_the_samples(tones, tmp_path) -> None:
    loud = noise_folder(tmp_path, level=0.5)
    made = generator(frontend_enabled=False, dtype="float32", bg_noise_dir=str(loud), bg_noise_range=(0.5, 0.5))
    x, _ = made.flow_from_directory(str(tones), ["low", "_silence_"], seed=1).batch(0, 0)
    assert np.std(x, axis=1).min() > 0.2


@pytest.mark.parametrize("options", [{}, {"frontend_enabled": False, "dtype": "float32"}, {"dtype": "float32"}])
def test_a_batch_stays_as_it_is_when_the_next_is_made(tones, noises, options) -> None:
    """The memory of the clips is used again; nothing of it may be in what was given."""
    batches = flow(tones, **(everything(noises) | options))
    x, y = batches.batch(0, 0)
    before = x.copy(), y.copy()
    for index in (1, 0, len(batches) - 1):  # the last is smaller
        batches.batch(1, index)
    assert same((x, y), before)
    assert same(batches.batch(0, 0), before)


def test_a_function_of_the_users_own_may_add_a_background_recording(tmp_path) -> None:
    """As in the published specification keyword_spotting_pacman."""
    write_audio(str(tmp_path / "noise" / "n.wav"), tone(200), 16000)
    made = generator(bg_noise_dir=str(tmp_path / "noise"), bg_noise_range=(0.1, 0.4))
    assert list(made.bg_noises) == ["n.wav"]
    assert made.bg_noises["n.wav"].dtype == np.float32
    made.bg_noises["game"] = np.full(100, 0.5, np.float32)
    silence = np.zeros(16000, np.float32)
    heard = made.apply_transform(silence, 16000, {"bg_noise": "game", "bg_noise_factor": 0.5, "bg_noise_start": 0.0})
    np.testing.assert_allclose(heard, 0.25, atol=1e-6)
