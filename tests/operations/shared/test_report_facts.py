"""What a report reads from an archive."""

from __future__ import annotations

from pathlib import Path

from mltk.operations.shared.report_facts import PARITY, Changed, parity_in, read_facts
from mltk.specification.archive_file import ArchiveReader, write_archive


def archive(folder: Path, members: dict[str, bytes | str]) -> ArchiveReader:
    path = str(folder / "m.mltk.zip")
    write_archive(path, members, {"name": "m"})
    return ArchiveReader(path)


def test_members_that_are_going_to_be_replaced_count_already(tmp_path: Path) -> None:
    old: dict[str, bytes | str] = {"m.py": b"1", "eval/tflite/a": b"old", "eval/tflite/b": b"old", "eval/keras/a": b"k"}
    (tmp_path / "file").write_bytes(b"from a file")
    with archive(tmp_path, old) as found:
        changed = Changed(found, {"eval/tflite/a": b"new", "log.txt": str(tmp_path / "file")})
        assert sorted(changed.names) == ["eval/keras/a", "eval/tflite/a", "log.txt", "m.py", "manifest.json"]
        assert [changed.read(n) for n in ("eval/tflite/a", "log.txt", "m.py")] == [b"new", b"from a file", b"1"]


def test_the_evaluations_are_read_the_devices_first(tmp_path: Path) -> None:
    members: dict[str, bytes | str] = {
        f"eval/{key}/eval-results.json": b'{"overall_accuracy": NaN}'
        for key in ("keras", "tflite", "tflite-home", "stream")
    }
    with archive(tmp_path, {**members, "m.py": b"# hello"}) as found:
        facts = read_facts(found, "m", "m", None)
    assert [e.key for e in facts.evaluations] == ["tflite", "keras", "tflite-home"]
    assert facts.evaluations[0].results == {"overall_accuracy": None}
    assert facts.evaluations[2].title == ".tflite model on home"
    assert facts.stream is not None
    assert (facts.source, facts.missing) == ("# hello", ())


def test_results_of_mltk_020_have_another_folder(tmp_path: Path) -> None:
    with archive(tmp_path, {"eval/h5/eval-results.json": b"{}"}) as found:
        assert [e.title for e in read_facts(found, "m", "m", None).evaluations] == ["Keras model"]


def test_what_is_damaged_is_named(tmp_path: Path) -> None:
    with archive(tmp_path, {"eval/keras/eval-results.json": b"[1]", PARITY: b"\xff"}) as found:
        facts = read_facts(found, "m", "m", None)
    assert facts.evaluations == ()
    assert set(facts.missing) == {
        "eval/keras/eval-results.json in the archive is damaged.", "parity/parity.json in the archive is damaged.",
    }  # fmt: skip
    assert parity_in({"network_sha256": ""}, None) is None
