"""Settings: what a user assigns on a model specification.

A setting is declared once, in the class body of the mixin that uses it. The declaration has a default, a type (the
annotation) and one line of documentation::

    class TrainMixin(Spec):
        epochs: int = setting(100, "Passes over the training data.")

This line is the source of the type check at assignment, of "did you mean" for a misspelled name, of the documentation
page, and of the JSON in the archive. To an IDE and a type checker, ``my_model.epochs`` is an ``int``.

Reading a setting never changes state. Mutable defaults are made in ``__new__``, together with the specification.
Therefore a subclass that forgets ``super().__init__()`` still works.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import sys
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from mltk.errors import SettingError, did_you_mean
from mltk.specification.setting_names import MIXINS_OF_SETTING
from mltk.specification.types import Mismatch, coerce, describe_type

if TYPE_CHECKING:
    from mltk.specification.events import MltkModelEvent
    from mltk.tflite.model_parameters import TfliteModelParameters

T = TypeVar("T")
Check = Callable[[Any], str | None]
"""Returns what is impossible about a value of the right type, or None."""
_UNSET = object()
_PACKAGE_FOLDER = os.path.join(Path(__file__).resolve().parent.parent, "")
_REFERENCE_MODELS = os.path.join(_PACKAGE_FOLDER, "models", "")
logger = logging.getLogger("mltk")
_items_set: ContextVar[frozenset[str]] = ContextVar("_items_set", default=frozenset())


@contextlib.contextmanager
def items_set_by(script: frozenset[str]) -> Iterator[None]:
    """Within the block, some settings that are None by default are empty dicts in new specifications.

    Args:
        script: Names of the settings of which a script sets items.
    """
    token = _items_set.set(script)
    try:
        yield
    finally:
        _items_set.reset(token)


def is_user_code(file: str) -> bool:
    """Whether ``file`` holds a user's code: it is outside this package, or one of the package's specifications."""
    if file.startswith("<frozen"):
        return False
    return not file.startswith(_PACKAGE_FOLDER) or file.startswith(_REFERENCE_MODELS)


def user_location() -> str:
    """``file:line`` of the innermost caller outside this package, for error messages; may be empty."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if is_user_code(frame.f_code.co_filename):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def _at(location: str) -> str:
    return f"{location}: " if location else ""


class Options(dict[str, Any]):
    """A dict of keyword arguments that accepts only known keys, so that a misspelled key is an error.

    Args:
        setting_name: Name of the setting, for messages.
        known: The accepted keys.
        values: The initial items.
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

    def __ior__(self, other: Any) -> Self:  # type: ignore[override,misc]  # dict's overloads differ from Python to Python
        self.update(other)
        return self

    def __reduce__(self) -> tuple[type[Options], tuple[str, frozenset[str], dict[str, Any]]]:
        return (Options, (self._setting_name, self._known, dict(self)))

    def _check(self, keys: Iterable[object]) -> None:
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
    """The descriptor behind :func:`setting`: ``Class.name`` is the descriptor, ``instance.name`` the value."""

    def __init__(
        self,
        default: Any,
        doc: str,
        *,
        factory: Callable[[], Any] | None,
        keys: frozenset[str] | None,
        check: Check | None,
        computed: Callable[[Any], Any] | None,
        completed: bool,
        adapt: Callable[[Any], Any] | None = None,
        of_none: Callable[[], Any] | None = None,
    ) -> None:
        self.default = default
        self.doc = doc
        self.factory = factory
        self.keys = keys
        self.check = check
        self.computed = computed
        self.completed = completed
        self.adapt = adapt
        self.name = ""
        self.owner: type = object
        self.of_none = of_none
        self._hint: Any = None
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self.name, self.owner = name, owner

    @property
    def hint(self) -> Any:
        """The annotated type, resolved at the first use."""
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
        """Return ``value`` in the form in which this setting stores it.

        Raises:
            SettingError: The value has the wrong type or is impossible.
        """
        if value is None and self.of_none is not None:
            value = self.of_none()
        try:
            value = coerce(value, self.hint)
        except Mismatch as e:
            raise SettingError(
                f"{_at(user_location())}{self.name}: expected {describe_type(self.hint)}, got {e}.",
                hint=f"{self.name}: {self.doc}",
            ) from None
        if self.adapt is not None:
            value = self.adapt(value)
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
        """Return a new mutable default, or ``_UNSET`` if the default is a constant."""
        if self.factory is None:
            if self.keys is None or self.default is not None or self.name not in _items_set.get():
                return _UNSET
            return Options(self.name, self.keys)
        value = self.factory()
        return Options(self.name, self.keys, value) if self.keys is not None else value

    def with_default(self, value: Any) -> Setting:
        """Return this setting with another default, which a subclass assigned in its body."""
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
            adapt=self.adapt,
        )
        other.name, other.owner, other._hint = self.name, self.owner, self.hint
        return other

    def default_text(self) -> str:
        """Return the default as a documentation page shows it."""
        if self.computed is not None:
            return self.computed.__doc__ or "computed"
        value = self.factory() if self.factory is not None else self.default
        return repr(dict(value) if isinstance(value, Options) else value)


@overload
def setting(
    default: T,
    doc: str,
    *,
    keys: frozenset[str] | None = None,
    check: Check | None = None,
    completed: bool = False,
    adapt: Callable[[Any], Any] | None = None,
) -> T: ...
@overload
def setting(
    *,
    doc: str,
    factory: Callable[[], T],
    keys: frozenset[str] | None = None,
    check: Check | None = None,
    completed: bool = False,
    of_none: Callable[[], T] | None = None,
) -> T: ...
@overload
def setting(*, doc: str, computed: Callable[[Any], T], check: Check | None = None) -> T: ...
def setting(
    default: Any = None,
    doc: str = "",
    *,
    factory: Callable[[], Any] | None = None,
    keys: frozenset[str] | None = None,
    check: Check | None = None,
    computed: Callable[[Any], Any] | None = None,
    completed: bool = False,
    adapt: Callable[[Any], Any] | None = None,
    of_none: Callable[[], Any] | None = None,
) -> Any:
    """Declare a setting of a specification class.

    Args:
        default: Value if the user assigns none.
        doc: One line of documentation, with the unit if there is one.
        factory: Makes a mutable default; called once for each instance.
        keys: Accepted keys, for a dict of keyword arguments.
        check: Check of a value that has the right type.
        computed: Default as a function of the specification. The documentation shows the function's docstring.
        completed: For a dict: a key that an assigned value lacks keeps its default.
        adapt: Changes an assigned value of another form into the form in which the setting stores it.
        of_none: Makes the value that an assigned None stands for; otherwise None is a value like others.

    Returns:
        A :class:`Setting`. The declared type is that of the value, because an instance reads and stores values.
    """
    return Setting(
        default,
        doc,
        factory=factory,
        keys=keys,
        check=check,
        computed=computed,
        completed=completed,
        adapt=adapt,
        of_none=of_none,
    )


def positive(value: Any) -> str | None:
    """Check of a setting that counts something: value > 0."""
    return None if value > 0 else f"must be greater than 0, got {value!r}."


def fraction(value: Any) -> str | None:
    """Check of a setting that is a share: 0 ≤ value < 1."""
    return None if 0 <= value < 1 else f"must be at least 0 and less than 1, got {value!r}."


class Spec:
    """Base of :class:`MltkModel` and of all mixins: finds, checks and lists settings."""

    _values: dict[str, Any]

    if TYPE_CHECKING:
        # Every specification includes MltkModel, so that a mixin may use these of its members.
        classes: list[str]
        input_shape: tuple[int | None, ...]
        keras_custom_objects: dict[str, Any]
        log_dir: str
        seed: int | None

        @property
        def name(self) -> str: ...

        @property
        def model_parameters(self) -> TfliteModelParameters: ...

        @model_parameters.setter
        def model_parameters(self, values: Mapping[str, Any]) -> None: ...

        def create_log_dir(self, suffix: str = "", delete_existing: bool = False) -> str: ...

        def trigger_event(self, event: MltkModelEvent | str, **kwargs: Any) -> None: ...

    # -- hooks of the mixins -----------------------------------------------------------------------------------

    def _default_input_shape(self) -> tuple[int | None, ...] | None:
        """Return the default of the setting ``input_shape``; None if the specification must set it."""
        return None

    def _populate_own_parameters(self) -> None:
        """Put the parameters of this class into ``model_parameters``. Each class has its own; all are called."""

    def _on_own_event(self, event: MltkModelEvent, arguments: dict[str, Any]) -> None:
        """Do what this class does at an event. Each class has its own; all are called before the user's handlers."""

    # -- settings ----------------------------------------------------------------------------------------------

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Check a value that a subclass assigns to a setting in its body, and make it the setting's default."""
        super().__init_subclass__(**kwargs)
        for name, value in list(vars(cls).items()):
            inherited = next((vars(b)[name] for b in cls.__mro__[1:] if name in vars(b)), None)
            if isinstance(inherited, Setting) and not hasattr(type(value), "__get__"):
                setattr(cls, name, inherited.with_default(value))

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        made = {name: s.make_default() for name, s in iter_settings(cls)}
        object.__setattr__(self, "_values", {k: v for k, v in made.items() if v is not _UNSET})
        return self

    def __init__(self) -> None:
        super().__init__()

    def _set_attribute(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not hasattr(type(self), name) and name not in self.__dict__:
            self._check_name(name)
        descriptor = getattr(type(self), name, None)
        if isinstance(descriptor, property) and descriptor.fset is None:
            raise SettingError(f"{_at(user_location())}{name} is computed and can't be assigned.")
        super().__setattr__(name, value)

    if not TYPE_CHECKING:  # to a type checker, __setattr__ would mean that any name can be assigned
        __setattr__ = _set_attribute

    def _check_name(self, name: str) -> None:
        """Refuse a name that looks like a setting and is not one. Accept a user's own attribute, with a warning."""
        at = _at(user_location())
        if elsewhere := MIXINS_OF_SETTING.get(name):
            raise SettingError(
                f"{at}{name} is a setting of {' and '.join(elsewhere)}, which {type(self).__name__} doesn't include.",
                hint=f"Add {' or '.join(elsewhere)} to the bases of {type(self).__name__}.",
            )
        near = did_you_mean(name, [n for n, _ in iter_settings(type(self))], cutoff=0.75)
        if near:
            raise SettingError(f"{at}{name} is not a setting of {type(self).__name__}.", hint=near)
        logger.warning("%s%s is not a setting. It is kept as your own attribute and changes nothing.", at, name)


def iter_settings(cls: type) -> Iterator[tuple[str, Setting]]:
    """Yield ``(name, setting)`` for each setting of a specification class, bases first, each name once."""
    seen: dict[str, Setting] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, Setting):
                seen[name] = value
            else:
                seen.pop(name, None)
    yield from seen.items()


def own_settings(cls: type) -> list[tuple[str, Setting]]:
    """Return ``(name, setting)`` for each setting that ``cls`` declares, itself or in a base that only shares settings.

    A base that users do not name sets ``shares_settings``; its settings count as those of the mixins below it.
    """
    owners = {cls, *(base for base in cls.__bases__ if vars(base).get("shares_settings"))}
    return [(name, s) for name, s in iter_settings(cls) if s.owner in owners]
