"""Checkpoints: what the ledger was at the end of one block, as a signed note (C2SP tlog-checkpoint).

    <origin>                              which log: `eip155:<chain id>:<contract>/<genesis hash>` (CAIP-10,
                                          address as in ERC-55): two chains from one keystore are two logs
    <size>                                leaves of the log, decimal
    <root>                                its root, base64
    block <number> <hash> <time>          where on the chain it was so, and that block's own time
    time <time>                           when the operator signed, by its own clock
    heads <enterprises> <root>            the tree of heads (see `statement`)
    authorities <many> <facts> <root>     the tree of authorities, and how many facts its chains hold
    objections <facts> <root>             the tree of objections, likewise
    assessments <many> <root>             the tree of assessments

Roots and hashes of the lower lines are hexadecimal, times Unix seconds. Before the first enterprise is
registered there are no lines `heads` and `objections`. A witness or client of other make reads the first
three lines and lets the others be; a checkpoint of other make has none of ours. One of ours given twice, in
part, or in another form is refused.
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.crypto.hashing import keccak256
from ledger.crypto.notes import BadNote
from ledger.errors import BadProof

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBER: Final = "(0|[1-9][0-9]{0,18})"
_HASH: Final = "([0-9a-f]{64})"
_DECIMAL: Final = re.compile(_NUMBER)
_LINES: Final = {
    "block": re.compile(f"block {_NUMBER} {_HASH} {_NUMBER}"),
    "time": re.compile(f"time {_NUMBER}"),
    "heads": re.compile(f"heads ([1-9][0-9]{{0,18}}) {_HASH}"),
    "authorities": re.compile(f"authorities {_NUMBER} {_NUMBER} {_HASH}"),
    "objections": re.compile(f"objections {_NUMBER} {_HASH}"),
    "assessments": re.compile(f"assessments {_NUMBER} {_HASH}"),
}
#: The last second of the year 2999 in Asia/Shanghai, where the ledger's calendar ends.
LATEST: Final = 32_503_651_199
#: Seconds by which two right clocks may differ, and within which a checkpoint goes to a witness.
BEHIND: Final = 120
LATE: Final = 86_400
#: Seconds by which a block may be of a later time than its signature: blocks made at once are a second apart.
EARLY: Final = 3600
_ALWAYS: Final = frozenset({"block", "time", "authorities", "assessments"})
_WITH_ENTERPRISES: Final = frozenset({"heads", "objections"})


class Forked(BadProof):
    """Two checkpoints that cannot both be of one ledger."""

    code = "forked"


class BlockLine(NamedTuple):
    """A block: number, hash (32 bytes), and its own time in Unix seconds."""

    number: int
    hash: bytes
    time: int


class Counted(NamedTuple):
    """A tree's root, and what says how far it had come: its leaves, or the facts in its chains."""

    many: int
    root: bytes


class Authorities(NamedTuple):
    """The tree of authorities: how many there are, how many facts their chains hold, its root."""

    many: int
    facts: int
    root: bytes


class Statement(NamedTuple):
    """What a checkpoint says beyond the log. `heads` and `objections` are None without enterprises."""

    block: BlockLine
    time: int
    heads: Counted | None
    authorities: Authorities
    objections: Counted | None
    assessments: Counted

    def lines(self) -> list[str]:
        """The extension lines."""
        found = [f"block {self.block.number} {self.block.hash.hex()} {self.block.time}", f"time {self.time}"]
        if self.heads:
            found.append(f"heads {self.heads.many} {self.heads.root.hex()}")
        many, facts, root = self.authorities
        found.append(f"authorities {many} {facts} {root.hex()}")
        if self.objections:
            found.append(f"objections {self.objections.many} {self.objections.root.hex()}")
        found.append(f"assessments {self.assessments.many} {self.assessments.root.hex()}")
        return found


class Checkpoint(NamedTuple):
    """What a checkpoint says. `statement` is None in one of other make."""

    origin: str
    size: int
    root: bytes
    statement: Statement | None = None

    def text(self) -> str:
        """The note's text."""
        lines = [self.origin, str(self.size), binascii.b2a_base64(self.root, newline=False).decode()]
        return "\n".join(lines + (self.statement.lines() if self.statement else [])) + "\n"


def origin_of(chain_id: int, genesis: bytes, contract: bytes) -> str:
    """Return the origin of a ledger's log: its contract's (20 bytes) account on the chain from `genesis`."""
    plain = contract.hex()
    digest = keccak256(plain.encode()).hex()
    shown = "".join(c.upper() if int(digit, 16) >= 8 else c for c, digit in zip(plain, digest, strict=False))
    return f"eip155:{chain_id}:0x{shown}/{genesis.hex()}"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a note's text as a checkpoint; foreign extension lines are let be. Raises `BadNote`."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise BadNote("a checkpoint has an origin, a size and a root, each on a line")
    origin, size, root, *extensions = lines[:-1]
    if not _DECIMAL.fullmatch(size):
        raise BadNote(f"the checkpoint's size {size[:20]!r} is not a decimal number")
    try:
        raw = binascii.a2b_base64(root.encode("ascii"), strict_mode=True)
    except ValueError:
        raw = b""
    if len(raw) != 32 or binascii.b2a_base64(raw, newline=False).decode() != root:
        raise BadNote("the checkpoint's root is not 32 bytes in base64")
    return Checkpoint(origin, int(size), raw, _statement(extensions))


def _statement(extensions: Sequence[str]) -> Statement | None:
    found: dict[str, tuple[str, ...]] = {}
    for line in extensions:
        word = line.partition(" ")[0]
        if word not in _LINES:
            continue
        parts = _LINES[word].fullmatch(line)
        if parts is None:
            raise BadNote(f"the checkpoint's line {line[:100]!r} is not of the form of `{word}`")
        if word in found:
            raise BadNote(f"the checkpoint has two lines `{word}`")
        found[word] = parts.groups()
    if not found:
        return None
    if set(found) - _WITH_ENTERPRISES != _ALWAYS or len(_WITH_ENTERPRISES & set(found)) == 1:
        raise BadNote("the checkpoint has some of a ledger's lines, and not all: " + ", ".join(sorted(found)))
    number, block_hash, block_time = found["block"]
    if max(int(block_time), int(found["time"][0])) > LATEST:
        raise BadNote("the checkpoint is of a time beyond the calendar")
    many, facts, root = found["authorities"]
    return Statement(
        BlockLine(int(number), bytes.fromhex(block_hash), int(block_time)),
        int(found["time"][0]),
        _counted(found.get("heads")),
        Authorities(int(many), int(facts), bytes.fromhex(root)),
        _counted(found.get("objections")),
        Counted(int(found["assessments"][0]), bytes.fromhex(found["assessments"][1])),
    )


def times_apart(said: Statement, now: int) -> str | None:
    """Say how the time of signing and a clock (Unix seconds) cannot both be right; None if they may be."""
    if now < said.time - BEHIND:
        return f"it was signed at {said.time}, and the clock here says {now}: one of the two is wrong"
    if now > said.time + LATE:
        return f"it was signed at {said.time}, {now - said.time} seconds ago by the clock here: sign it now"
    if said.block.time > said.time + EARLY:
        return f"it was signed {said.block.time - said.time} seconds before its block was made: sign it anew"
    return None


def _counted(parts: tuple[str, ...] | None) -> Counted | None:
    return Counted(int(parts[0]), bytes.fromhex(parts[1])) if parts else None


def check_successor(old: Checkpoint, new: Checkpoint) -> None:
    """Raise `Forked` if `new` cannot be a later checkpoint of the ledger that `old` is of.

    Nothing that is counted falls, nor any time; what is counted alike has the same root; and one block has
    one hash and one state. That the log of `new` begins with that of `old` is for a consistency proof to say.
    """
    if old.origin != new.origin:
        raise Forked(f"checkpoints of two logs, {old.origin} and {new.origin}")
    if old.statement is not None and new.statement is None:
        raise Forked("the earlier checkpoint has the lines of a ledger, and the later one has not")
    before, after = _measures(old), _measures(new)
    for what, (many, state) in before.items():
        later, other = after[what]
        if later < many:
            raise Forked(f"{what}: {many} in the earlier checkpoint, {later} in the later one")
        if later == many and state is not None and other is not None and other != state:
            raise Forked(f"{what}: two states for {many}")
    for what, before_it, after_it in _grown(old, new):
        if before_it[0] < after_it[0] and before_it[1] == after_it[1]:
            raise Forked(f"{what}: grew from {before_it[0]} to {after_it[0]} and has the same root")
    if _enterprises(old) == _enterprises(new) and old.statement and new.statement:
        if old.size == new.size and old.statement.heads != new.statement.heads:
            raise Forked(f"two roots of heads for a log of {old.size} and the same enterprises")
        if before[_OBJECTIONS][0] == after[_OBJECTIONS][0] and (
            old.statement.objections != new.statement.objections
        ):
            raise Forked("two roots of objections for the same facts and enterprises")


def may_follow(old: Checkpoint, new: Checkpoint) -> bool:
    """Whether `check_successor` raises nothing."""
    try:
        check_successor(old, new)
    except Forked:
        return False
    return True


def _grown(old: Checkpoint, new: Checkpoint) -> list[tuple[str, tuple[int, bytes], tuple[int, bytes]]]:
    """What changes its root whenever it grows: every run moves a head, every fact a chain."""
    first, second = old.statement, new.statement
    found = [("log size", (old.size, old.root), (new.size, new.root))]
    if first is None or second is None:
        return found
    one, other = first.authorities, second.authorities
    found += [
        ("facts about authorities", (one.facts, one.root), (other.facts, other.root)),
        ("assessments", _pair(first.assessments), _pair(second.assessments)),
    ]
    if first.heads and second.heads:
        found.append(("log size", (old.size, first.heads.root), (new.size, second.heads.root)))
    if first.objections and second.objections:
        found.append((_OBJECTIONS, _pair(first.objections), _pair(second.objections)))
    return found


def _pair(counted: Counted) -> tuple[int, bytes]:
    return counted.many, counted.root


_OBJECTIONS: Final = "facts about objections"


def _measures(point: Checkpoint) -> dict[str, tuple[int, object]]:
    """What may not fall, by name, each with the state that it alone determines (None: it determines none)."""
    found: dict[str, tuple[int, object]] = {"log size": (point.size, point.root)}
    said = point.statement
    if said is None:
        return found
    return found | {
        "block": (said.block.number, (point.size, said._replace(time=0))),
        "block's time": (said.block.time, None),
        "time of signing": (said.time, None),
        "enterprises": (_enterprises(point), None),
        "authorities": (said.authorities.many, None),
        "facts about authorities": (said.authorities.facts, said.authorities),
        _OBJECTIONS: (said.objections.many if said.objections else 0, None),
        "assessments": said.assessments,
    }


def _enterprises(point: Checkpoint) -> int:
    return point.statement.heads.many if point.statement and point.statement.heads else 0
