"""`score`: the pure scorer over a flat stream of records, and one enterprise's score from a large index.

The index of 1,000,000 records is filled through the store's tables, as rows the follower would write: each
record is a run of its own, the worst case for reading. Blocks and hashes are made up; the scorer asks for
neither.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from nodes import ROOT

from bench.installation import codes
from bench.measure import Figure, Target, percentile, rate, timed
from bench.posting import KINDS
from ledger.crypto.commitments import identity_commitment
from ledger.domain.calendar import day_of
from ledger.domain.catalogue import default_authorities, load_catalogue
from ledger.domain.parties import parse_party
from ledger.domain.records import Posted, Record, pack, record_id
from ledger.index.queries import posted_of
from ledger.outbox.identities import identity_of
from ledger.scoring.cards import Scorecard, card_in_force, load_cards
from ledger.scoring.score import score_many
from ledger.store import index, vault
from ledger.store.bulk import insert_rows
from ledger.store.database import Database, open_database
from ledger.workflows.reading import score_of

COMMAND = "scripts/bench score"
_EACH = 10
_AUTHORITY = 1


def measure(*, quick: bool) -> Iterator[Figure]:
    as_of = day_of(int(time.time()))
    card = card_in_force(load_cards(), as_of)
    yield _pure(card, as_of, 50_000 if quick else 500_000, 1 if quick else 5)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        open_database(None, Path(folder)) as database,
    ):
        parties = codes(10_000 if quick else 100_000)
        _fill(database, parties, as_of)
        yield from _one(database, card, parties, as_of, 500 if quick else 5_000)


def _reference() -> Callable[..., tuple[int, str, list[int]]]:
    """The slow scorer that the property tests compare with: a calendar walked month by month."""
    sys.path.insert(0, str(ROOT / "tests" / "property"))
    from test_scoring_reference import reference_score

    return reference_score


def _records(enterprise: int, as_of: int, severities: dict[int, int]) -> Iterator[Record]:
    """Ten events over three years; some still count, some have lapsed."""
    for at in range(_EACH):
        kind = KINDS[(enterprise + at) % len(KINDS)]
        day = as_of - 10 - (at * 110 + enterprise * 7) % 1095
        yield Record(enterprise, kind, severities[kind], day, day, 0, bytes(32))


def _severities() -> dict[int, int]:
    return {each.number: each.severity for each in load_catalogue().types}


def _pure(card: Scorecard, as_of: int, size: int, runs: int) -> Figure:
    severities = _severities()
    posted = [
        Posted(record_id(_AUTHORITY, enterprise * _EACH + at), *each)
        for enterprise in range(1, size // _EACH + 1)
        for at, each in enumerate(_records(enterprise, as_of, severities))
    ]
    reference, subset = _reference(), posted[: size // 100]

    def slow() -> list[object]:
        groups = (list(group) for _, group in groupby(subset, key=itemgetter(1)))
        return [reference(group, card, as_of, True)[:2] for group in groups]

    assert slow() == [(found.milli, found.grade) for _, found in score_many(subset, card, as_of)]
    timings = [timed(lambda: sum(1 for _ in score_many(posted, card, as_of))) for _ in range(runs)]
    return rate(
        "pure scorer, 10 events an enterprise, with grouping",
        size,
        timings,
        unit="events/s",
        target=Target(250_000),
        baseline=len(subset) / timed(slow).seconds,
        baseline_is="the slow reference scorer of the property tests, on a hundredth of the events",
    )


def _fill(database: Database, parties: list[str], as_of: int) -> None:
    """Write identities and runs: one record a run, the enterprises in turn, 500 runs a block."""
    severities, block_hash = _severities(), os.urandom(32)
    salt, head = os.urandom(32), os.urandom(32)
    found = [parse_party(each) for each in parties]
    with database.write_vault() as connection:
        rows = [
            (at, each.key, each.kind, each.text, salt, identity_commitment(salt, each.key), 1, block_hash)
            for at, each in enumerate(found, 1)
        ]
        insert_rows(connection, vault.identities, rows)
    with database.write_index() as connection:
        places = [
            (each.number, each.code, 1, block_hash, at) for at, each in enumerate(default_authorities())
        ]
        insert_rows(connection, index.authorities, places)
        insert_rows(connection, index.cursor, [(1, 1, block_hash)])
    whole = [list(map(pack, _records(at, as_of, severities))) for at in range(1, len(parties) + 1)]
    for turn in range(_EACH):
        leaf = turn * len(parties)
        rows = [
            (
                leaf + at,
                at + 1,
                _AUTHORITY,
                record_id(_AUTHORITY, leaf + at + 1),
                1,
                head,
                packed[turn],
                (leaf + at) // 500,
                block_hash,
                at % 500,
            )
            for at, packed in enumerate(whole)
        ]
        with database.write_index() as connection:
            insert_rows(connection, index.runs, rows)


def _one(database: Database, card: Scorecard, parties: list[str], as_of: int, asked: int) -> Iterator[Figure]:
    """Latency of `score_of`, which serves the command line and HTTP, over enterprises picked at random."""
    catalogue, cards, reference = load_catalogue(), load_cards(), _reference()
    chosen = random.Random(1).choices(parties, k=asked)

    def slow(party: str) -> None:
        with database.read_vault() as connection:
            enterprise = identity_of(connection, parse_party(party).key).enterprise
        with database.read_index() as connection:
            posted = posted_of(connection, [enterprise])
        reference(posted, card, as_of, True)

    plain = _latencies(slow, chosen[: asked // 10])
    _latencies(lambda party: score_of(database, catalogue, cards, party, as_of), chosen[: asked // 10])
    taken = _latencies(lambda party: score_of(database, catalogue, cards, party, as_of), chosen)
    where = f"one score, warm index of {len(parties) * _EACH:,} records"
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        yield Figure(
            f"{where}, {name}",
            percentile(taken, share),
            "ms",
            target=Target(2, at_most=True) if name == "p50" else None,
            baseline=percentile(plain, share),
            baseline_is="the same records read, then the slow reference scorer; no links, reasons or names",
            note=f"{asked:,} enterprises, one after another",
        )


def _latencies(work: Callable[[str], object], parties: list[str]) -> list[float]:
    """Milliseconds of each."""
    taken = []
    for party in parties:
        began = time.perf_counter()
        work(party)
        taken.append((time.perf_counter() - began) * 1000)
    return taken
