"""A dictionary by numbers that a stranger may have chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping
from typing import Final, TypeVar

V = TypeVar("V")
D = TypeVar("D")

_WIDTH: Final = 8


class Numbered(MutableMapping[int, V]):
    """A dictionary by numbers of 64 bits (those that are wider, or negative, raise `OverflowError`).

    A number's hash is the number itself. So whoever writes a file can choose numbers of which each, in a
    plain `dict`, is looked for past most of the others: ten megabytes then cost minutes. Here they are hashed
    as bytes are, with a secret of the process.
    """

    __slots__ = ("_held",)

    def __init__(self, items: Iterable[tuple[int, V]] = ()) -> None:
        self._held: dict[bytes, tuple[int, V]] = {}
        for number, value in items:
            self[number] = value

    def __getitem__(self, number: int) -> V:
        return self._held[number.to_bytes(_WIDTH)][1]

    def __setitem__(self, number: int, value: V) -> None:
        self._held[number.to_bytes(_WIDTH)] = (number, value)

    def __delitem__(self, number: int) -> None:
        del self._held[number.to_bytes(_WIDTH)]

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and number.to_bytes(_WIDTH) in self._held

    def __iter__(self) -> Iterator[int]:
        return (number for number, _ in self._held.values())

    def __len__(self) -> int:
        return len(self._held)

    def get(self, number: int, default: D = None) -> V | D:  # type: ignore[assignment]  # as `dict` has it
        """What is held under a number."""
        found = self._held.get(number.to_bytes(_WIDTH))
        return default if found is None else found[1]


def numbers(given: Iterable[int]) -> Numbered[None]:
    """Return a set of such numbers."""
    return Numbered((each, None) for each in given)
