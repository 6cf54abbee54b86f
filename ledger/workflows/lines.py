"""The lines of a file of any size, numbered, none held longer than a limit.

A line over the limit is read past and only its beginning kept, so that memory does not follow the input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from typing import BinaryIO

#: Bytes of one row: a document of 1 MiB doubles when every character of it is a quote, and a little more.
ROW_LIMIT: Final = 2 * 1024 * 1024 + 64 * 1024
_SKIP: Final = 1024 * 1024


class Line(NamedTuple):
    """One line with its end. `data` is cut at the limit, `size` is not; `after` is the offset behind it."""

    number: int
    data: bytes
    size: int
    quotes: int
    after: int

    @property
    def cut(self) -> bool:
        """Whether the line was longer than the limit."""
        return self.size > len(self.data)


class Lines:
    """Reads a seekable file line by line. `number` is the last line's, `position` the offset behind it."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.number = 0
        self.position = source.tell()

    def next(self) -> Line | None:
        """Return the next line, or None at the end."""
        data = self._source.readline(ROW_LIMIT + 1)
        if not data:
            return None
        size, quotes = len(data), data.count(b'"')
        if size > ROW_LIMIT:
            last, data = data, data[:ROW_LIMIT]
            while not last.endswith(b"\n"):
                last = self._source.readline(_SKIP)
                if not last:
                    break
                size += len(last)
                quotes += last.count(b'"')
        self.number += 1
        self.position += size
        return Line(self.number, data, size, quotes, self.position)

    def back_to(self, line: Line) -> None:
        """Go back to just behind a line read before."""
        self._source.seek(line.after)
        self.number, self.position = line.number, line.after
