"""The rows a file lost, written beside it: where, which field, what value, why, and the row itself.

`FILE.rejects.csv` has `row,field,value,reason`, the file's own columns, and `raw` for a row whose values
could not be told apart. A reader of rows passes over the columns it does not know: mended in place, the file
can be imported as it is. A row with several faults is one line, its faults parted by ` | `.
"""

from __future__ import annotations

import csv
import json
import os
from typing import TYPE_CHECKING, Final, Self

from ledger.errors import BadValue
from ledger.files import writing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import TextIO

    from ledger.workflows.rows import RejectedRow

_BETWEEN: Final = " | "
_OWN: Final = ("row", "field", "value", "reason")
#: A raw text with line ends would not show as one cell in most tools.
_ONE_LINE: Final = str.maketrans({"\r": "\\r", "\n": "\\n", "\0": "\\0"})


def rejects_path(path: Path) -> Path:
    """Return where the rejects of a file go."""
    return path.with_name(path.name + ".rejects.csv")


class Rejects:
    """Collects the rejected rows of one import; used as a context, it leaves a file only if there were any.

    Written under a temporary name and put in place at the end; an older file of another run is removed when
    this run has none. With `keep=False` rows are counted and nothing is written or removed.
    """

    def __init__(self, path: Path, columns: Sequence[str], *, keep: bool = True) -> None:
        self._keep = keep
        self.path = rejects_path(path)
        self.count = 0
        self._columns = tuple(columns)
        self._partial = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            if kind is None and self._keep:
                self.path.unlink(missing_ok=True)
            return
        try:
            with writing():
                self._file.close()
                self._partial.replace(self.path)
        except BaseException:
            self._partial.unlink(missing_ok=True)
            raise

    def add(self, row: RejectedRow) -> None:
        """Write one rejected row. Raises `BadValue` (field `file`) if the folder cannot be written."""
        self.count += 1
        if not self._keep:
            return
        if self._file is None:
            self._file = self._begin()
        cells = [
            str(row.number),
            _BETWEEN.join(each.field for each in row.errors),
            _BETWEEN.join(each.value for each in row.errors),
            _BETWEEN.join(each.reason for each in row.errors),
            *(_cell(row.fields.get(name)) for name in self._columns),
            row.raw,
        ]
        csv.writer(self._file).writerow([*(cell.translate(_ONE_LINE) for cell in cells[:4]), *cells[4:]])

    def _begin(self) -> TextIO:
        try:
            file = self._partial.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        except OSError as error:
            raise BadValue("file", self.path, f"cannot be written: {error.strerror}") from None
        csv.writer(file).writerow([*_OWN, *self._columns, "raw"])
        return file


def _cell(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)
