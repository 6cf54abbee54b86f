"""`audit`: the replay alone from facts in memory, the whole audit of an installation, memory, and proof sizes.

The baseline decodes the same logs with web3.py and checks nothing. Memory is the growth of a process of its
own, from 10,000 records to ten and a hundred times as many, about the same enterprises; of the whole audit the
largest only with `--full` (see `audit_memory`).
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from evidence_sample import (
    CARD,
    PLACE,
    SIGNER,
    authorities_of,
    checkpoint_of,
    placed,
    posted_of,
    signatures_of,
    tree_of,
    trees_of,
)
from honest_chain import FOREVER, TODAY, Chain, record

from bench.audit_memory import measure_memory, peak_memory
from bench.imports import _import, rows_file
from bench.installation import codes, on_embedded, plain_contract, plain_web3, register
from bench.measure import Figure, Target, rate, timed
from ledger.audit.evidence import Attached, EvidenceScore, build_evidence
from ledger.audit.replay import Replay
from ledger.audit.runs import MAX_BATCH
from ledger.audit.verifier import verify_evidence
from ledger.bootstrap import Ledger
from ledger.cli import COLLECTOR
from ledger.domain.facts import Fact
from ledger.domain.records import unpack_run
from ledger.scoring.score import score
from ledger.workflows.auditing import audit

COMMAND = "scripts/bench audit"
BASELINE = "web3.py get_logs and process_log of the same logs, nothing checked"
ENTERPRISES = 1000


def measure(*, quick: bool, full: bool = False) -> Iterator[Figure]:
    gc.set_threshold(*COLLECTOR)  # as the command line does
    size, runs = (10_000, 1) if quick else (100_000, 3)
    for many in (1, 10):
        facts = list(honest(size, many))
        timings = [timed(lambda: replayed(facts)) for _ in range(runs)]  # noqa: B023
        name = f"replay, runs of {many} record{'s' if many > 1 else ''}"
        yield rate(name, size, timings, target=Target(40_000))
    yield from _memory(size)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, on_embedded(Path(folder)) as ledger:
        parties = codes(ENTERPRISES)
        register(ledger, parties)
        size = 2_000 if quick else 100_000
        with rows_file(parties, size, "audit", ledger.today()) as path:
            _import(ledger, path, size)
        timings = [timed(lambda: _audited(ledger, size)) for _ in range(runs)]
        plain = size / timed(lambda: _decoded(ledger, size)).seconds
        yield rate(
            "everything, embedded chain: replay, signatures, contracts, index, documents", size, timings,
            target=Target(5_000), baseline=plain, baseline_is=BASELINE,
        )  # fmt: skip
    sizes = (1_000, 10_000) if quick else (10_000, 100_000)
    yield from measure_memory([*sizes, 1_000_000] if full else sizes)
    yield from _proofs(100 if quick else 1000)


def honest(size: int, many: int) -> Iterator[Fact]:
    """Facts of an honest chain of `size` records, `many` in a run, yielded and not kept."""
    chain = Chain()
    chain.add_authority(1)
    chain.register(ENTERPRISES)
    per_batch = 200 // many
    for start in range(0, size, 200):
        yield from chain.facts
        chain.facts.clear()
        first = 1 + start // 200 * per_batch % ENTERPRISES
        numbers = sorted(1 + (first + at) % ENTERPRISES for at in range(per_batch))
        chain.batch(1, [record(number) for number in numbers for _ in range(many)])
    yield from chain.facts


def replayed(facts: Iterator[Fact] | list[Fact]) -> int:
    """Replay, expecting nothing to deviate; return how many records."""
    replay = Replay()
    for fact in facts:
        assert not replay.apply(fact)
    assert not replay.finish()
    return replay.checked["records"]


def _audited(ledger: Ledger, size: int) -> None:
    report = audit(ledger)
    assert not report.deviations, report.to_text()
    assert report.checked["records"] == report.checked["documents"] == size


def _decoded(ledger: Ledger, size: int) -> None:
    web3 = plain_web3(ledger)
    event, done, block = plain_contract(ledger, web3).events.Recorded(), 0, ledger.deployment.block
    while done < size:
        for each in event.get_logs(from_block=block, to_block=block + 49):
            done += len(unpack_run(each["args"]["firstRecordId"], each["args"]["records"]))
        block += 50


def _memory(size: int) -> Iterator[Figure]:
    peaks = {}
    for records in (10_000, size, size * 10):
        code = f"from bench.audit import peak; print(peak({records}))"
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        peaks[records] = int(done.stdout) / 1024
    small, *_, large = peaks.values()
    yield Figure(
        f"replay, peak memory from 10,000 to {size * 10:,} records", large - small, "MiB more",
        target=Target(16, at_most=True), note=", ".join(f"{n:,}: {mib:.0f} MiB" for n, mib in peaks.items()),
    )  # fmt: skip


def peak(size: int) -> int:
    """Replay that many records and return this process's peak memory in KiB."""
    assert replayed(honest(size, 10)) == size
    return peak_memory()


def _proofs(records: int) -> Iterator[Figure]:
    for batches in (1, 10, records):
        chain = _chain_of(records, batches)
        name = f"evidence of {records:,} records in {batches:,} batch{'es' if batches > 1 else ''}"
        for signed in (False, True):
            data = _evidence(chain, signed=signed)
            began = time.perf_counter()
            verify_evidence(data)
            seconds = time.perf_counter() - began
            yield Figure(
                f"{name}{', with signatures' if signed else ''}, size", len(data) / 1000, "kB",
                target=None if signed else Target(450, at_most=True), note=f"verified in {seconds:.3f} s",
            )  # fmt: skip
    yield Figure("the last of these, verified in", seconds, "s", target=Target(1, at_most=True))
    tree = tree_of(chain)
    proof = json.dumps([each.hex() for each in tree.inclusion_proof(tree.size // 2)])
    yield Figure(f"inclusion proof of one run of {tree.size:,}", len(proof), "bytes of JSON")


def _chain_of(records: int, batches: int) -> Chain:
    """A chain with that many records of enterprise 1, in batches that nine others share where there is room."""
    chain = Chain()
    chain.add_authority(1)
    chain.set_key(1, SIGNER, chain.now, FOREVER)
    chain.register(10)
    own = records // batches
    others = range(2, 11) if own + 9 <= MAX_BATCH else ()
    for _ in range(batches):
        chain.batch(1, [record(enterprise) for enterprise in (*[1] * own, *others)], key=SIGNER)
    return chain


def _evidence(chain: Chain, *, signed: bool) -> bytes:
    found = score(posted_of(chain, {1}), CARD, TODAY)
    made = EvidenceScore(TODAY, CARD, found.milli, found.grade)
    place = PLACE._replace(block_number=chain.facts[-1].at.block_number, block_time=chain.now)
    checkpoint = checkpoint_of(chain, time=chain.now, place=place)
    attached = Attached([authorities_of(chain)[0]], made, None, checkpoint)
    if signed:
        attached = attached._replace(signatures=signatures_of(chain))
    return build_evidence(place, [placed(chain, 1)], tree_of(chain), trees_of(chain), None, attached)
