"""Settings: what a user assigns on a model specification.

A setting is declared once, in the class body of the mixin that uses it, with its default, its type (the
annotation) and a one-line document::

    class TrainMixin(Spec):
        epochs: int = setting(100, "Passes over the training data.")

From that one line come the type check at assignment, "did you mean" for a misspelled name, the documentation
page, and the JSON in the archive. Reading a setting never changes state: mutable defaults are made when the
specification is, in ``__new__``, so that a subclass which forgets ``super().__init__()`` still works.
"""

from __future__ import annotations

import copy
import logging
import os
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltk.errors import SettingError, did_you_mean
from mltk.specification.types import Mismatch, coerce, describe_type

_UNSET = object()
_PACKAGE_FOLDER = os.path.join(Path(__file__).resolve().parent.parent, "")
_REFERENCE_MODELS = os.path.join(_PACKAGE_FOLDER, "models", "")
logger = logging.getLogger("mltk")


def is_user_code(file: str) -> bool:
    """Whether a frame of ``file`` is a user's: outside this package, or a specification that comes with it."""
    if file.startswith("<frozen"):
        return False
    return not file.startswith(_PACKAGE_FOLDER) or file.startswith(_REFERENCE_MODELS)


def user_location() -> str:
    """``file:line`` of the innermost caller outside this package, for error messages; may be empty."""
    frame = sys._getframe(1)
    while frame is not None:
        if is_user_code(frame.f_code.co_filename):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return ""


def _at(location: str) -> str:
    return f"{location}: " if location else ""


class Options(dict):
    """A dict of keyword arguments whose keys are known, so that a misspelled one is an error.

    Args:
        setting_name: the setting it belongs to, for messages.
        known: the keys it accepts.
        values: the initial items.
    """

    def __init__(self, setting_name: str, known: frozenset[str], values: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self._setting_name = setting_name
        self._known = known
        self.update(values or {})

    def __setitem__(self, key: str, value: Any) -> None:
        self._check([key])
        super().__setitem__(key, value)

    def update(self, *args: Any, **kwargs: Any) -> None:
        items = dict(*args, **kwargs)
        self._check(items)
        super().update(items)

    def setdefault(self, key: str, default: Any = None) -> Any:
        self._check([key])
        return super().setdefault(key, default)

    def __ior__(self, other: Any) -> Options:  # type: ignore[misc]
        self.update(other)
        return self

    def __reduce__(self) -> tuple:
        return (Options, (self._setting_name, self._known, dict(self)))

    def _check(self, keys: Any) -> None:
        wrong = [k for k in keys if k not in self._known]
        if not wrong:
            return
        lines = []
        for key in wrong:
            near = did_you_mean(str(key), self._known)
            lines.append(f"  {key!r} is not one of its keys. {near}".rstrip())
        raise SettingError(
            f"{_at(user_location())}{self._setting_name}:\n" + "\n".join(lines),
            hint="Known keys: " + ", ".join(sorted(self._known)),
        )


class Setting:
    """The descriptor behind :func:`setting`; ``Class.name`` gives it, ``instance.name`` the value."""

    def __init__(
        self,
        default: Any,
        doc: str,
        *,
        factory: Callable[[], Any] | None,
        keys: frozenset[str] | None,
        check: Callable[[Any], str | None] | None,
        computed: Callable[[Any], Any] | None,
        completed: bool,
    ) -> None:
        self.default = default
        self.doc = doc
        self.factory = factory
        self.keys = keys
        self.check = check
        self.computed = computed
        self.completed = completed
        self.name = ""
        self.owner: type = object
        self._hint: Any = None
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self.name, self.owner = name, owner

    @property
    def hint(self) -> Any:
        """The annotated type, resolved when first needed."""
        if self._hint is None:
            self._hint = typing.get_type_hints(self.owner).get(self.name, Any)
        return self._hint

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        value = instance._values.get(self.name, _UNSET)
        if value is not _UNSET:
            return value
        if self.computed is not None:
            return self.computed(instance)
        return self.default

    def __set__(self, instance: Any, value: Any) -> None:
        instance._values[self.name] = self.convert(value)

    def convert(self, value: Any) -> Any:
        """``value`` as this setting stores it; raises :class:`SettingError` when it can't be."""
        try:
            value = coerce(value, self.hint)
        except Mismatch as e:
            raise SettingError(
                f"{_at(user_location())}{self.name}: expected {describe_type(self.hint)}, got {e}.",
                hint=f"{self.name}: {self.doc}",
            ) from None
        if self.keys is not None and isinstance(value, Mapping) and not isinstance(value, Options):
            value = Options(self.name, self.keys, value)
        if self.completed and self.factory is not None and isinstance(value, dict):
            for key, default in self.factory().items():
                value.setdefault(key, default)
        if self.check is not None and value is not None:
            problem = self.check(value)
            if problem:
                raise SettingError(f"{_at(user_location())}{self.name}: {problem}", hint=f"{self.name}: {self.doc}")
        return value

    def make_default(self) -> Any:
        """A fresh mutable default, or ``_UNSET`` when the default is a constant."""
        if self.factory is None:
            return _UNSET
        value = self.factory()
        return Options(self.name, self.keys, value) if self.keys is not None else value

    def with_default(self, value: Any) -> Setting:
        """This setting with another default, which a subclass gave in its body."""
        value = self.convert(value)
        mutable = isinstance(value, (dict, list, set))
        other = Setting(
            None if mutable else value,
            self.doc,
            factory=(lambda: copy.deepcopy(value)) if mutable else None,
            keys=self.keys,
            check=self.check,
            computed=None,
            completed=False,
        )
        other._hint = self.hint
        other.name, other.owner = self.name, self.owner
        return other

    def default_text(self) -> str:
        """The default as a documentation page shows it."""
        if self.computed is not None:
            return self.computed.__doc__ or "computed"
        value = self.factory() if self.factory is not None else self.default
        return repr(dict(value) if isinstance(value, Options) else value)


def setting(
    default: Any = None,
    doc: str = "",
    *,
    factory: Callable[[], Any] | None = None,
    keys: frozenset[str] | None = None,
    check: Callable[[Any], str | None] | None = None,
    computed: Callable[[Any], Any] | None = None,
    completed: bool = False,
) -> Any:
    """Declare a setting of a specification class.

    Args:
        default: value when the user assigns none.
        doc: one line, with the unit if there is one.
        factory: makes a mutable default, once an instance.
        keys: for a dict of keyword arguments, the keys it accepts.
        check: given a value of the right type, says what is impossible about it, or None.
        computed: default as a function of the specification; its docstring is what the documentation shows.
        completed: for a dict, keys that an assigned value does not name keep their default.
    """
    return Setting(default, doc, factory=factory, keys=keys, check=check, computed=computed, completed=completed)


def positive(value: Any) -> str | None:
    """Check for settings that count something."""
    return None if value > 0 else f"must be greater than 0, got {value!r}."


def fraction(value: Any) -> str | None:
    """Check for settings that are a share: 0 ≤ value < 1."""
    return None if 0 <= value < 1 else f"must be at least 0 and less than 1, got {value!r}."


class Spec:
    """Base of :class:`MltkModel` and all mixins: finds, checks and lists settings."""

    _values: dict[str, Any]

    if TYPE_CHECKING:
        # A mixin uses settings and methods of the other mixins that a specification is composed of.
        def __getattr__(self, name: str) -> Any: ...

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """A setting given in the body of a subclass is checked, and stays a setting with that default."""
        super().__init_subclass__(**kwargs)
        for name, value in list(vars(cls).items()):
            inherited = next((vars(b)[name] for b in cls.__mro__[1:] if name in vars(b)), None)
            if isinstance(inherited, Setting) and not hasattr(type(value), "__get__"):
                setattr(cls, name, inherited.with_default(value))

    def __new__(cls, *args: Any, **kwargs: Any) -> Spec:
        self = super().__new__(cls)
        made = {name: s.make_default() for name, s in iter_settings(cls)}
        object.__setattr__(self, "_values", {k: v for k, v in made.items() if v is not _UNSET})
        return self

    def __init__(self) -> None:
        super().__init__()

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not hasattr(type(self), name) and name not in self.__dict__:
            self._check_name(name)
        descriptor = getattr(type(self), name, None)
        if isinstance(descriptor, property) and descriptor.fset is None:
            raise SettingError(f"{_at(user_location())}{name} is computed and can't be assigned.")
        super().__setattr__(name, value)

    def _check_name(self, name: str) -> None:
        """Refuse a name that looks like a setting and isn't one; let a user's own attribute pass, aloud."""
        at = _at(user_location())
        elsewhere = settings_of_other_mixins(type(self)).get(name)
        if elsewhere:
            raise SettingError(
                f"{at}{name} is a setting of {' and '.join(elsewhere)}, which {type(self).__name__} doesn't include.",
                hint=f"Add {elsewhere[0]} to the bases of {type(self).__name__}.",
            )
        near = did_you_mean(name, [n for n, _ in iter_settings(type(self))], cutoff=0.75)
        if near:
            raise SettingError(f"{at}{name} is not a setting of {type(self).__name__}.", hint=near)
        logger.warning("%s%s is not a setting; it is kept as an attribute of your own and changes nothing.", at, name)


def iter_settings(cls: type) -> Iterator[tuple[str, Setting]]:
    """``(name, setting)`` of a specification class, bases first, each once."""
    seen: dict[str, Setting] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, Setting):
                seen[name] = value
            else:
                seen.pop(name, None)
    yield from seen.items()


def settings_of_other_mixins(cls: type) -> dict[str, list[str]]:
    """Names of settings that mixins outside ``cls`` have → the names of these mixins."""
    own = {name for name, _ in iter_settings(cls)}
    found: dict[str, list[str]] = {}
    for mixin in all_mixins():
        for name, s in iter_settings(mixin):
            if name not in own and s.owner is mixin:
                found.setdefault(name, []).append(mixin.__name__)
    return found


def all_mixins() -> list[type]:
    """Every specification class of this package that is loaded, in order of definition."""
    found: list[type] = []
    todo = [Spec]
    while todo:
        for sub in todo.pop(0).__subclasses__():
            if sub not in found and sub.__module__.startswith("mltk."):
                found.append(sub)
                todo.append(sub)
    return found
