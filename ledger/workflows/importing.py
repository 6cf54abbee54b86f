"""Importing a file: read, check, accept, post, in chunks, whatever its size.

Good rows are accepted in one vault transaction a chunk and then posted; the others go to `FILE.rejects.csv`.
What was accepted stays accepted: an import that ended half-way is run again, finds its rows as duplicates,
and posts those the chain does not have yet.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypedDict

from ledger.chain.wallets import is_wallet
from ledger.domain.calendar import day_of
from ledger.domain.submissions import FIELDS, Submission, check_row
from ledger.errors import BadValue
from ledger.outbox.accept import accept
from ledger.workflows import cpsc
from ledger.workflows.records_file import open_records
from ledger.workflows.rehearsal import Rehearsal
from ledger.workflows.rejects import Rejects
from ledger.workflows.rows import RejectedRow
from ledger.workflows.subjects import SameEnterprise
from ledger.workflows.tally import FirmTally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ledger.domain.catalogue import Authority
    from ledger.domain.submissions import FieldError
    from ledger.outbox.accept import Outcome
    from ledger.workflows.office import Office
    from ledger.workflows.records_file import RecordsFile
    from ledger.workflows.rows import Row
    from ledger.workflows.tally import FirmDict

Format = Literal["records", "cpsc"]
#: Columns a file of each format must have.
COLUMNS: Final[Mapping[Format, tuple[str, ...]]] = {"records": FIELDS, "cpsc": cpsc.COLUMNS}
#: Rejected rows shown with the result; all of them are in the rejects file.
_SHOWN: Final = 10
#: Bytes of the file in one chunk: few long rows are as much work, and as much memory, as many short.
_CHUNK_BYTES: Final = 8 * 1024 * 1024


class Progress(NamedTuple):
    """How far an import is: bytes of the file read, of how many, and rows so far."""

    read: int
    size: int
    rows: int
    recorded: int


class ImportDict(TypedDict):
    """An import's result as JSON."""

    rows: int
    recorded: int
    duplicate: int
    rejected: int
    skipped: int
    firms: int
    repeated: list[FirmDict]
    ignored_columns: list[str]
    rejects_file: str | None
    dry_run: bool


@dataclass
class ImportResult:
    """What became of a file.

    `rows` is how many it has. `recorded` and `duplicate` count records: in a file of recalls one row may give
    several, or none (`skipped`). `firms` counts the different parties of good rows. `shown` holds the first
    rejected rows; in a dry run nothing is recorded, and `recorded` says what would be.
    """

    dry_run: bool = False
    rows: int = 0
    recorded: int = 0
    duplicate: int = 0
    rejected: int = 0
    skipped: int = 0
    firms: int = 0
    repeated: list[FirmDict] = field(default_factory=list)
    ignored_columns: tuple[str, ...] = ()
    rejects_file: Path | None = None
    shown: list[RejectedRow] = field(default_factory=list)

    def to_dict(self) -> ImportDict:
        """Return the result as JSON."""
        return {
            "rows": self.rows,
            "recorded": self.recorded,
            "duplicate": self.duplicate,
            "rejected": self.rejected,
            "skipped": self.skipped,
            "firms": self.firms,
            "repeated": self.repeated,
            "ignored_columns": list(self.ignored_columns),
            "rejects_file": str(self.rejects_file) if self.rejects_file else None,
            "dry_run": self.dry_run,
        }


def import_file(
    office: Office,
    path: Path,
    file_format: Format,
    authority: Authority,
    *,
    dry_run: bool = False,
    chunk: int = 2000,
    on_progress: Callable[[Progress], None] | None = None,
    clock: Callable[[], float] = time.time,
) -> ImportResult:
    """Import a file for an authority; `chunk` is how many rows are accepted and posted at a time:
    several batches, so that more than one transaction is on its way.

    Raises `BadValue` (field `file`) if the file as a whole cannot be read, and what accepting and posting
    raise; a single bad row raises nothing.
    """
    today = day_of(int(clock()))
    if file_format == "cpsc" and authority.code != cpsc.AUTHORITY:
        raise BadValue("authority", authority.code, f"recalls of this format are written by {cpsc.AUTHORITY}")
    with open_records(path, COLUMNS[file_format]) as file:
        run = _Import(office, path, authority, file, today, dry_run=dry_run)
        with run.rejects, contextlib.closing(run):
            run.work(_checked(file, file_format), chunk, on_progress)
            return run.result()


class _Candidate(NamedTuple):
    """A row's fields to be checked, and the row as it stands in the file."""

    number: int
    fields: Mapping[str, object]
    original: Mapping[str, object]


def _checked(
    file: RecordsFile, file_format: Format
) -> Iterator[tuple[bool, _Candidate | RejectedRow | None]]:
    """Yield `(whether a new row of the file begins, what it gives)`; None: a row that gives no record."""
    for item in file:
        if isinstance(item, RejectedRow):
            yield True, item
        elif file_format == "records":
            yield True, _Candidate(item.number, item.fields, item.fields)
        else:
            yield from _of_recall(item)


def _of_recall(row: Row) -> Iterator[tuple[bool, _Candidate | RejectedRow | None]]:
    first = True
    for item in cpsc.notices(row):
        if isinstance(item, cpsc.Notice):
            yield first, _Candidate(item.number, item.fields, row.fields)
        else:
            yield first, item if isinstance(item, RejectedRow) else None
        first = False


class _Import:
    """One import under way."""

    def __init__(
        self,
        office: Office,
        path: Path,
        authority: Authority,
        file: RecordsFile,
        today: int,
        *,
        dry_run: bool,
    ) -> None:
        self._office = office
        self._authority = authority
        self._file = file
        self._today = today
        self._source = path.name
        self._same = SameEnterprise(office.db, today)
        self._rehearsal = Rehearsal(office, authority, self._same) if dry_run else None
        self._firms = FirmTally()
        self._lost: list[RejectedRow] = []
        self._found = ImportResult(dry_run=dry_run, ignored_columns=file.ignored)
        self.rejects = Rejects(path, file.columns, keep=not dry_run)

    def work(
        self,
        items: Iterator[tuple[bool, _Candidate | RejectedRow | None]],
        chunk: int,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        """Take every row; post what a call before this one left behind, too."""
        pending: list[tuple[_Candidate, Submission]] = []
        begun = self._file.position
        for begins, item in items:
            self._found.rows += begins
            if item is None:
                self._found.skipped += 1
                continue
            if isinstance(item, RejectedRow):
                self._reject(item)
            else:
                checked = check_row(item.fields, self._office.catalogue, self._authority, self._today)
                if isinstance(checked, Submission):
                    pending.append((item, checked))
                else:
                    self._reject(_lost(item, checked))
            if len(pending) + len(self._lost) >= chunk or self._file.position - begun >= _CHUNK_BYTES:
                self._flush(pending)
                pending, begun = [], self._file.position
                if on_progress:
                    on_progress(self._progress())
        self._flush(pending)
        if on_progress:
            on_progress(self._progress())

    def result(self) -> ImportResult:
        """Return the result once all rows are taken."""
        found = self._found
        found.firms, found.repeated = self._firms.firms(), self._firms.repeated()
        if self.rejects.count and not found.dry_run:
            found.rejects_file = self.rejects.path
        return found

    def close(self) -> None:
        """Give back what was used on the way."""
        self._firms.close()
        if self._rehearsal is not None:
            self._rehearsal.close()

    def _flush(self, pending: list[tuple[_Candidate, Submission]]) -> None:
        rows = [(place, submission) for place, (_, submission) in enumerate(pending)]
        if self._rehearsal is not None:
            outcomes = self._rehearsal.judge(rows)
        elif rows:
            outcomes = self._accept(rows)
        else:
            outcomes = []
        for outcome in outcomes:
            candidate, submission = pending[outcome.row]
            self._settle(outcome, candidate, submission)
        # In the order of the file: what accepting refused came later than what the row check did.
        for row in sorted(self._lost, key=attrgetter("number")):
            self.rejects.add(row)
            if len(self._found.shown) < _SHOWN:
                self._found.shown.append(row)
        self._lost.clear()
        if self._rehearsal is None:
            self._office.sender.drain(authority=self._authority.number)

    def _accept(self, rows: list[tuple[int, Submission]]) -> list[Outcome]:
        office = self._office
        return accept(
            office.db,
            office.keystore,
            office.catalogue,
            self._authority,
            rows,
            self._source,
            linked=self._same,
            is_wallet=partial(is_wallet, office.node),
        )

    def _settle(self, outcome: Outcome, candidate: _Candidate, submission: Submission) -> None:
        if outcome.status == "rejected":
            self._reject(_lost(candidate, outcome.errors))
            return
        if outcome.status == "accepted":
            self._found.recorded += 1
        else:
            self._found.duplicate += 1
        self._firms.add(submission.party)

    def _reject(self, row: RejectedRow) -> None:
        self._found.rejected += 1
        self._lost.append(row)

    def _progress(self) -> Progress:
        return Progress(self._file.position, self._file.size, self._found.rows, self._found.recorded)


def _lost(candidate: _Candidate, errors: Sequence[FieldError]) -> RejectedRow:
    return RejectedRow(candidate.number, candidate.original, "", tuple(errors))
