"""How an option is declared: its help below the field, its default and its checks in the field, each once."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import tyro

T = TypeVar("T")

# A switch. Its help says on or off: beside `--no-score`, tyro's own "(default: True)" would read as the opposite.
Switch = typing.Annotated[
    bool, tyro.conf.arg(help_behavior_hint=lambda default: f"({'on' if default == 'True' else 'off'} by default)")
]

if TYPE_CHECKING:
    Open = typing.Annotated[T, "None on the command line"]
else:

    class Open:
        """The type of an option that the command line may leave open: `None` there, until it is settled."""

        def __class_getitem__(cls, item):
            return item | None


class Check(NamedTuple):
    """A condition that the value of an option must meet.

    Attributes:
        expected: in words, after "expected --option".
        holds: whether a value meets it; never called with None.
    """

    expected: str
    holds: Callable[[Any], bool]


ABOVE_ZERO = Check("above 0", lambda value: value > 0)
NOT_NEGATIVE = Check("of 0 or more", lambda value: value >= 0)
SHARE = Check("of at least 0 and below 1", lambda value: 0 <= value < 1)


def at_most(limit: float) -> Check:
    """A check that refuses what is above `limit`.

    Example:
        >>> at_most(100).expected
        'of at most 100'
    """
    return Check(f"of at most {limit}", lambda value: value <= limit)


def option(default, *checks: Check) -> Any:
    """The field of an option whose default is shown on the command line.

    Args:
        default: the value when it is not given, unless a preset has another one.
        *checks: what its value must meet.
    """
    return dataclasses.field(default=default, metadata={"checks": checks})


def by_preset(default, *checks: Check) -> Any:
    """The field of an option that is `None` on the command line: the preset's value, or else the default.

    Args:
        default: the value when neither the command line nor the preset has one.
        *checks: what its value must meet.
    """
    return dataclasses.field(default=None, metadata={"default": default, "checks": checks})


def given(options) -> dict[str, Any]:
    """What is set in a dataclass of options: everything that differs from an empty command line."""
    values = {field.name: (getattr(options, field.name), field.default) for field in dataclasses.fields(options)}
    return {name: value for name, (value, default) in values.items() if value != default}


def completed(options, preset: dict[str, Any]) -> dict[str, Any]:
    """The value of every option: the given one, or the preset's, or the default.

    Args:
        options: an object of a dataclass whose fields are made by `option` and `by_preset`.
        preset: values by the name of the option; "about" is left out.

    Raises:
        ValueError: for a name in the preset that is not an option.
    """
    fields = {field.name: field for field in dataclasses.fields(options)}
    overrides = {name: value for name, value in preset.items() if name != "about"}
    if unknown := overrides.keys() - fields.keys():
        raise ValueError(
            f"unknown option {', '.join(map(repr, sorted(unknown)))} in the preset {options.preset!r}: "
            f"expected some of {', '.join(fields)}"
        )
    defaults = {name: field.metadata.get("default", field.default) for name, field in fields.items()}
    return {**defaults, **overrides, **given(options)}


def check(options) -> None:
    """Raises a ValueError for the first option whose value its field does not allow."""
    hints = typing.get_type_hints(type(options))
    for field in dataclasses.fields(options):
        value, flag = getattr(options, field.name), f"--{field.name.replace('_', '-')}"
        if value is None:
            continue
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"expected {flag} as a finite number, received {value}")
        names = _choices(hints[field.name])
        if names and value not in names:
            raise ValueError(f"expected {flag} as one of {', '.join(map(str, names))}, received {value}")
        for expected, holds in field.metadata.get("checks", ()):
            if not holds(value):
                raise ValueError(f"expected {flag} {expected}, received {value}")


def _choices(hint) -> tuple:
    """The values of a `Literal`, alone or beside None; empty for any other type."""
    parts = typing.get_args(hint) if typing.get_origin(hint) in (types.UnionType, typing.Union) else (hint,)
    literals = [part for part in parts if part is not type(None)]
    if any(typing.get_origin(part) is not typing.Literal for part in literals):
        return ()
    return tuple(value for part in literals for value in typing.get_args(part))
