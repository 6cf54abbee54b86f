"""What the tree of heads costs: its root from a stream of heads, the tree kept in memory, and one proof.

A process of its own measures each, so that its peak memory is its own. The heads are made up: hashing does not
care. Reading them from the index comes on top. The baseline is the log's tree, which keeps a Python object a hash.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from bench.audit_memory import peak_memory
from bench.measure import Figure
from ledger.crypto.merkle import Tree, root_of
from ledger.crypto.multiproof import multi_proof
from ledger.crypto.statement import head_leaf
from ledger.crypto.trees import StateTree

COMMAND = "scripts/bench state"
#: Heads that move between two checkpoints of a busy ledger.
_MOVED = 1000


class Measured(NamedTuple):
    """Seconds on the clock and of CPU, MiB at the peak beyond the start, and a value of the measurement's own."""

    seconds: float
    cpu: float
    mib: float
    value: float


def measure(quick: bool = False) -> Iterator[Figure]:
    """Measure for a million enterprises, and for ten unless `quick`."""
    for many in (100_000,) if quick else (1_000_000, 10_000_000):
        name = f"{many:,} enterprises"
        stream, tree = _in_a_child("stream", many), _in_a_child("tree", many)
        yield Figure(f"{name}, root from a stream", stream.seconds, "s", note=f"CPU {stream.cpu:.1f} s")
        yield Figure(f"{name}, root from a stream, memory", stream.mib, "MiB more")
        yield Figure(f"{name}, tree built", tree.seconds, "s", note=f"CPU {tree.cpu:.1f} s")
        yield Figure(f"{name}, tree, memory", tree.mib, "MiB more", **_baseline(many))
        yield Figure(f"{name}, root again after {_MOVED:,} heads moved", tree.value, "ms")
        proof = 32 * (many - 1).bit_length()
        yield Figure(f"{name}, proof of one head, at most", proof, "bytes")


def _baseline(many: int) -> dict[str, object]:
    if many > 1_000_000:
        return {}
    return {"baseline": _in_a_child("log", many).mib, "baseline_is": "the log's tree of as many leaves"}


def _in_a_child(what: str, many: int) -> Measured:
    code = "import sys; from bench.state import child; child(sys.argv[1], int(sys.argv[2]))"
    command = [sys.executable, "-c", code, what, str(many)]
    return Measured(*json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def child(what: str, many: int) -> None:
    """Measure one of `stream`, `tree`, `log`, and print a `Measured`."""
    head, value = sha256(b"a head").digest(), 0.0
    leaves = (head_leaf(each, head) for each in range(1, many + 1))
    before, clock, cpu = peak_memory(), time.perf_counter(), time.process_time()
    if what == "stream":
        root_of(leaves)
    elif what == "log":
        Tree(leaves).root()
    else:
        tree = StateTree(leaves)
        tree.root()
    took = time.perf_counter() - clock, time.process_time() - cpu
    if what == "tree":
        assert len(multi_proof(tree, [many // 2])) <= (many - 1).bit_length()
        clock = time.perf_counter()
        for each in range(_MOVED):
            tree.set(each * 7919 % many, head)
        tree.root()
        value = 1000 * (time.perf_counter() - clock)
    print(json.dumps([*took, (peak_memory() - before) / 1024, value]))
