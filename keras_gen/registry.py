"""Lookup by name in the plain dict literals of the other rooms (losses, networks, presets)."""

from __future__ import annotations

from typing import TypeVar

Thing = TypeVar("Thing")


def lookup(kind: str, table: dict[str, Thing], name: str) -> Thing:
    """The entry of `table` under `name`.

    Args:
        kind: what the table holds, for the message ("loss", "preset").
        table: names to entries.
        name: the requested name.

    Raises:
        ValueError: for an unknown name; the message lists the known ones.

    Example:
        >>> lookup("shape", {"square": 4}, "square")
        4
    """
    if name not in table:
        raise ValueError(f"unknown {kind} {name!r}: expected one of {', '.join(table)}")
    return table[name]
