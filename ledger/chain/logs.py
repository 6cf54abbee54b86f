"""Facts read from a node: a stretch of blocks at a time, the next one while the last is worked on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger.chain.events import decoded
from ledger.chain.rpc import get_logs
from ledger.errors import ChainDamaged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ledger.chain.rpc import Node
    from ledger.domain.facts import Fact

#: Blocks asked for at once: at first, and at most once the answers have proved small.
FIRST_SPAN, LONGEST_SPAN = 4, 8192
#: Logs that an answer is meant to hold: enough to be quick, few enough to keep memory flat (5 kB for each).
_MANY_LOGS = 2000


def read_facts(node: Node, addresses: Sequence[str], first: int, last: int) -> Iterator[Fact]:
    """Yield the facts in blocks `first`..`last`, in chain order. Raises as `read_stretches` does."""
    for stretch in read_stretches(node, addresses, first, last):
        yield from stretch.facts


class Stretch(NamedTuple):
    """Blocks `first`..`last`, and all facts in them, in chain order."""

    first: int
    last: int
    facts: list[Fact]


def read_stretches(node: Node, addresses: Sequence[str], first: int, last: int) -> Iterator[Stretch]:
    """Yield blocks `first`..`last` as one answer of the node after the other holds them.

    Two answers are held at a time: the next is asked for while the caller works on one.
    Raises `ChainUnavailable`, `ChainRefused`, `ChainDamaged`. A reorganisation while reading shows in the
    facts' block hashes; the reader compares them.
    """

    def answer(low: int, high: int) -> tuple[list[dict[str, Any]], dict[str, int]]:
        logs = list(get_logs(node, addresses, low, high))
        return logs, _timestamps(node, logs)

    span, upto = FIRST_SPAN, min(first + FIRST_SPAN - 1, last)
    with ThreadPoolExecutor(1, "logs") as ahead:
        coming = ahead.submit(answer, first, upto) if first <= last else None
        while coming is not None:
            logs, times = coming.result()
            low, high = first, upto
            span = min(-(-_MANY_LOGS * span // max(len(logs), 1)), span * 2, LONGEST_SPAN)
            first, upto = upto + 1, min(upto + span, last)
            coming = ahead.submit(answer, first, upto) if first <= last else None
            facts = list(decoded(logs, times))
            del logs  # not held while the caller works on what it said
            yield Stretch(low, high, facts)


def _timestamps(node: Node, logs: Sequence[dict[str, Any]]) -> dict[str, int]:
    """The times of the logs' blocks, by `blockNumber`: in the logs if the node gives them, else asked for."""
    times: dict[str, int] = {}
    unsaid: dict[str, None] = {}
    for log in logs:
        number = log["blockNumber"]
        if number in times or number in unsaid:
            continue
        said = log.get("blockTimestamp")
        if said is None:
            unsaid[number] = None
        else:
            times[number] = int(said, 16)
    missing = list(unsaid)
    blocks = node.requests([("eth_getBlockByNumber", number, False) for number in missing])
    for number, block in zip(missing, blocks, strict=True):
        if block is None:
            raise ChainDamaged(f"block {int(number, 16)} has logs but is not there")
        times[number] = int(block["timestamp"], 16)
    return times
