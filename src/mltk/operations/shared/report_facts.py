"""Read what a report shows from a model's archive. Runs no code of the archive."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from mltk.audio.detector import DetectorSettings
from mltk.errors import MltkError
from mltk.micro.memory.planner import plan_memory
from mltk.micro.profile.profiler import profile_tflite
from mltk.operations.results.evidence import FILE as EVIDENCE_FILE
from mltk.operations.shared.load import TFLITE
from mltk.report.facts import EvaluationFacts, ModelFacts
from mltk.tflite.model_parameters import stored_parameters
from mltk.tflite.structure import network_hash

if TYPE_CHECKING:
    from mltk.operations.results.parity import ParityResults
    from mltk.tflite.model import TfliteModel

DEFAULT_TARGETS = ("cortex-m4", "cortex-m33", "cortex-m55")
"""Targets of a report for which none are chosen."""
PARITY = "parity/parity.json"
"""Member of the archive with the results of a parity check."""
PARITY_SAMPLES = 32
"""Most samples on which the engines are compared for a report."""
_RESULTS, _STREAM = "eval-results.json", "stream"
_NETWORK = "network_sha256"
_OLD_KERAS = "h5"
"""The folder of the Keras model's results in an archive of MLTK 0.20."""
_DETECTOR = (
    "detection_threshold", "detection_threshold_list", "average_window_duration_ms", "suppression_ms", "minimum_count",
)  # fmt: skip
_ORDER = {"tflite": 0, "keras": 1, _OLD_KERAS: 2}
logger = logging.getLogger("mltk")


class Members(Protocol):
    """The members of an archive."""

    @property
    def names(self) -> Sequence[str]: ...
    def read(self, name: str) -> bytes: ...
    def manifest(self) -> dict[str, Any]: ...


class Changed:
    """Members of an archive, some of which are going to be replaced.

    Args:
        archive: The archive.
        members: Name → content, or path of a file.
    """

    def __init__(self, archive: Members, members: Mapping[str, bytes | str]) -> None:
        self._archive, self._members = archive, members
        folders = {f"{name.rpartition('/')[0]}/" for name in members if "/" in name}
        kept = [n for n in archive.names if f"{n.rpartition('/')[0]}/" not in folders]
        self.names = list(dict.fromkeys([*kept, *members]))

    def read(self, name: str) -> bytes:
        """Return the content of a member."""
        content = self._members.get(name)
        if content is None:
            return self._archive.read(name)
        if isinstance(content, bytes):
            return content
        with open(content, "rb") as stream:
            return stream.read()

    def manifest(self) -> dict[str, Any]:
        """Return the manifest."""
        return self._archive.manifest()


class _Reader:
    """Reads JSON from an archive, and remembers what is damaged."""

    def __init__(self, members: Members) -> None:
        self._members = members
        self.damaged: list[str] = []

    def object(self, name: str) -> dict[str, Any] | None:
        """Return an object of JSON; None if there is no such member, or if it is damaged."""
        if name not in self._members.names:
            return None
        try:
            found = json.loads(self._members.read(name), parse_constant=lambda _: None)  # NaN is unknown
        except ValueError:
            found = None
        if isinstance(found, dict):
            return found
        self.damaged.append(f"{name} in the archive is damaged.")
        return None


def read_facts(
    members: Members, name: str, command: str, tflite: TfliteModel | None, targets: Sequence[str] = DEFAULT_TARGETS
) -> ModelFacts:
    """Return what a report shows.

    Args:
        members: The members of the archive.
        name: The model's name.
        command: What stands for the model in commands.
        tflite: The ``.tflite``; None without one.
        targets: Targets to estimate the cost for.

    Raises:
        ArchiveError: A member of the archive is damaged.
        MltkError: There is no such target.
    """
    reader = _Reader(members)
    manifest = members.manifest()
    training = reader.object("train/training-history.json") or {}
    parity = parity_in(reader.object(PARITY), tflite)
    report = reader.object(f"{name}.quantization_report.json") or (parity or {}).get("quantization")
    source = f"{name}.py"
    history = training.get("history")
    evaluations = _evaluations(members.names, reader)
    stream = reader.object(f"eval/{_STREAM}/{_RESULTS}")
    changed = _changed_settings(stream, tflite)
    missing = [
        *reader.damaged,
        *([f"After the evaluation of the stream, the detector was changed: {changed}. This evaluates it again: "
           f"mltk evaluate {command} --stream"] if changed else []),
    ]  # fmt: skip
    weights = manifest.get("weights") or training.get("weights")
    return ModelFacts(
        name,
        command,
        manifest,
        history if isinstance(history, dict) else {},
        weights if isinstance(weights, dict) else {},
        evaluations,
        **device_facts(tflite, targets),
        parity=parity,
        quantization=report,
        stream=stream,
        source=members.read(source).decode("utf-8", "replace") if source in members.names else "",
        missing=tuple(missing),
    )


def _changed_settings(stream: dict[str, Any] | None, tflite: TfliteModel | None) -> str:
    """Return which settings of the detector were others when the stream was evaluated; empty if none."""
    evaluated = (stream or {}).get("settings")
    if tflite is None or not isinstance(evaluated, dict):
        return ""
    try:
        detector = DetectorSettings.from_parameters(stored_parameters(tflite))
    except MltkError:
        return ""
    now = {name: getattr(detector, name) for name in _DETECTOR if name in evaluated}
    changed = [
        f"{name} from {evaluated[name]} to {value}"
        for name, value in now.items()
        if (list(value) if isinstance(value, tuple) else value) != evaluated[name]
    ]
    if "detection_threshold" in evaluated and detector.detection_threshold_list:
        changed.append("each class has its own threshold")
    return ", ".join(changed)


def name_in(members: Members, name: str) -> str:
    """Return the name of the model in an archive, whose file may have been renamed.

    Args:
        members: The members of the archive.
        name: The name of its file.
    """
    if f"{name}.py" in members.names:
        return name
    stored = members.manifest().get("name")
    return stored if isinstance(stored, str) and f"{stored}.py" in members.names else name


def _evaluations(names: Sequence[str], reader: _Reader) -> tuple[EvaluationFacts, ...]:
    keys = [
        n.split("/")[1] for n in names if n.startswith("eval/") and n.endswith(f"/{_RESULTS}") and n.count("/") == 2
    ]
    keys = [key for key in keys if key != _STREAM]
    keys.sort(key=lambda key: (_ORDER.get(key, len(_ORDER)), key))
    found = []
    for key in keys:
        results = reader.object(f"eval/{key}/{_RESULTS}")
        if results is not None:
            title = "keras" if key == _OLD_KERAS else key
            found.append(EvaluationFacts(title, results, reader.object(f"eval/{key}/{EVIDENCE_FILE}")))
    return tuple(found)


def device_facts(tflite: TfliteModel | None, targets: Sequence[str]) -> dict[str, Any]:
    """Return the attributes of `ModelFacts` that follow from the ``.tflite`` alone.

    Args:
        tflite: The model; None without one.
        targets: Targets to estimate the cost for.

    Raises:
        MltkError: There is no such target.
    """
    if tflite is None:
        return {}
    profiles = [profile_tflite(tflite, target) for target in targets]
    facts: dict[str, Any] = {
        "costs": tuple(profile.to_dict(exclude_null=False) for profile in profiles),
        "tflite_bytes": tflite.flatbuffer_size,
        "memory": _or_none(lambda: plan_memory(tflite).to_dict(), "memory plan"),
    }
    for profile in profiles[:1]:
        if profile.ram_is_known:
            estimate = ", an estimate" if profile.ram_is_estimate else ""
            facts |= {"arena_bytes": profile.runtime_memory_bytes, "arena_source": f"{profile.ram_source}{estimate}"}
    return facts


def _or_none(make: Callable[[], dict[str, Any]], what: str) -> dict[str, Any] | None:
    try:
        return make()
    except MltkError as e:
        logger.debug("No %s in the report: %s", what, e)
        return None


def parity_member(results: ParityResults, tflite: TfliteModel) -> bytes:
    """Return the content of the member `PARITY`."""
    return json.dumps({_NETWORK: _digest(tflite), "results": results.to_dict()}).encode()


def parity_in(stored: dict[str, Any] | None, tflite: TfliteModel | None) -> dict[str, Any] | None:
    """Return the results in the member `PARITY`; None if they are those of another network."""
    if stored is None or tflite is None or stored.get(_NETWORK) != _digest(tflite):
        return None
    results = stored.get("results")
    return results if isinstance(results, dict) else None


@functools.lru_cache(maxsize=4)
def _digest(tflite: TfliteModel) -> str:
    return network_hash(tflite.graph)


def tflite_in(members: Members, name: str, extension: str = TFLITE) -> TfliteModel | None:
    """Return the model with this extension in an archive; None without one.

    Raises:
        TfliteError: The file is not a valid ``.tflite``.
    """
    from mltk.tflite.model import TfliteModel

    member = f"{name}{extension}"
    if member not in members.names:
        return None
    return TfliteModel(members.read(member), path=member)
