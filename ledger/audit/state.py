"""A replay put down between two blocks and taken up again, as plain JSON values.

Only a replay that nothing deviated in can be put down: then enterprises and authorities are numbered 1, 2, 3
... and the next leaf is the log's size, so neither is written. What is read back is trusted as far as whoever
kept it: an audit that believes nobody starts at the first block.
"""

from __future__ import annotations

from array import array
from base64 import b64decode, b64encode
from sys import byteorder
from typing import TYPE_CHECKING, Any, Final

from ledger.audit.access import AccessState
from ledger.audit.authorities import AuthorityState
from ledger.audit.deviation import Review
from ledger.audit.mirrors import LinksState
from ledger.audit.objections import ObjectionsState
from ledger.audit.replay import Replay
from ledger.crypto.merkle import Log
from ledger.domain.facts import AssessmentPublished, Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ledger.audit.access import Expected

_COUNTS: Final = ("records", "runs", "batches", "tree_heads")
_HASH: Final = 32


def dump_replay(replay: Replay) -> dict[str, Any]:
    """Return the replay's state. Call it between blocks, after `finish`, and only if nothing deviated."""
    return {
        "at": _dump_place(replay.at) if replay.at else None,
        "counts": [replay.facts, *(getattr(replay.recorded, name) for name in _COUNTS)],
        "log": [replay.log.size, [each.hex() for each in replay.log.peaks]],
        "heads": _dump_hashes(replay.heads),
        "commitments": _dump_hashes(replay.commitments),
        "authorities": [_dump_authority(each) for each in replay.authorities.values()],
        "reviews": [list(each) for each in replay.reviews],
        "objections": replay.objections.dump(),
        "links": replay.links.dump(),
        "access": replay.access.dump(),
        "governing": replay.governing.dump(),
        "cards": [[card.hex(), day] for card, day in replay.scorebook.cards.items()],
        "assessments": [
            [_dump_place(a.at), *(each.hex() if isinstance(each, bytes) else each for each in a[1:])]
            for a in replay.scorebook.assessments
        ],
    }


def load_replay(
    state: Mapping[str, Any],
    severities: Mapping[int, int] | None = None,
    expected: Expected | None = None,
) -> Replay:
    """Take up what `dump_replay` put down. Raises `ValueError`, `KeyError`, `TypeError` or `BadProof`.

    What the ledger is held to, see `Replay`, is given anew: it is the auditor's, not the chain's.
    """
    replay = Replay(severities, expected)
    replay.at = _load_place(state["at"]) if state["at"] else None
    facts, *counts = state["counts"]
    replay.facts = int(facts)
    for name, count in zip(_COUNTS, counts, strict=True):
        setattr(replay.recorded, name, int(count))
    size, peaks = state["log"]
    recorded = replay.recorded
    recorded.log = Log.resume(size, [bytes.fromhex(each) for each in peaks])
    recorded.next_leaf = size
    recorded.heads = dict(enumerate(_load_hashes(state["heads"]), 1))
    recorded.commitments = dict(enumerate(_load_hashes(state["commitments"]), 1))
    for number, each in enumerate(state["authorities"], 1):
        authority = _load_authority(number, each)
        replay.authorities[number] = authority
        replay.codes[number] = authority.code
    replay.reviews = [Review(*each) for each in state["reviews"]]
    replay.objections = ObjectionsState.load(state["objections"])
    replay.access = AccessState.load(state["access"], expected)
    replay.governing.load(state["governing"])
    replay.links = LinksState.load(state["links"])
    replay.scorebook.cards = {bytes.fromhex(card): day for card, day in state["cards"]}
    replay.scorebook.assessments = [_load_assessment(*each) for each in state["assessments"]]
    return replay


def _load_assessment(  # noqa: PLR0917  the fact's own fields, in its order
    at: list[Any],
    epoch: int,
    card: str,
    as_of: int,
    root: str,
    count: int,
    block: int,
    log_size: int,
    heads_root: str,
) -> AssessmentPublished:
    card_hash, scores, heads = map(bytes.fromhex, (card, root, heads_root))
    return AssessmentPublished(
        _load_place(at), epoch, card_hash, as_of, scores, count, block, log_size, heads
    )


def _dump_place(at: Place) -> list[int | str]:
    return [at.block_number, at.block_hash.hex(), at.timestamp, at.log_index]


def _load_place(parts: list[Any]) -> Place:
    number, block_hash, timestamp, log_index = parts
    return Place(number, bytes.fromhex(block_hash), timestamp, log_index)


def _dump_hashes(hashes: Mapping[int, bytes]) -> str:
    return b64encode(b"".join(hashes[number] for number in range(1, len(hashes) + 1))).decode()


def _load_hashes(text: str) -> Iterator[bytes]:
    joined = b64decode(text, validate=True)
    if len(joined) % _HASH:
        raise ValueError("hashes that are no hashes")
    return (joined[at : at + _HASH] for at in range(0, len(joined), _HASH))


def _dump_authority(state: AuthorityState) -> dict[str, Any]:
    return {
        "code": state.code,
        "count": state.count,
        "suspended": state.suspended,
        "four_eyes": state.four_eyes,
        "epoch": state.epoch,
        "compromised": [list(each) for each in state.compromised.items()],
        "batches": [[key, list(numbers)] for key, numbers in state.batches.items()],
        "keys": [[key, *window] for key, window in state.keys.items()],
        "mandates": [list(each) for each in state.mandates],
        "enterprises": b64encode(_little(state.enterprises).tobytes()).decode(),
        "types": b64encode(state.types.tobytes()).decode(),
    }


def _load_authority(number: int, parts: Mapping[str, Any]) -> AuthorityState:
    state = AuthorityState(number, str(parts["code"]))
    state.count, state.suspended = int(parts["count"]), bool(parts["suspended"])
    state.four_eyes, state.epoch = bool(parts["four_eyes"]), int(parts["epoch"])
    state.compromised = {str(key): int(from_) for key, from_ in parts["compromised"]}
    state.batches = {str(key): array("Q", numbers) for key, numbers in parts["batches"]}
    state.keys = {key: (from_, until) for key, from_, until in parts["keys"]}
    state.mandates = [
        (int(from_), int(mandate), int(weighty)) for from_, mandate, weighty in parts["mandates"]
    ]
    written = array("Q")
    written.frombytes(b64decode(parts["enterprises"], validate=True))
    state.enterprises = _little(written)
    state.types = array("B", b64decode(parts["types"], validate=True))
    if not len(state.types) == len(state.enterprises) == state.count:
        raise ValueError(f"authority {number} wrote {state.count} records, of which not each is told")
    return state


def _little(numbers: array[int]) -> array[int]:
    """The same numbers with their bytes as a file has them, the lowest first; and back again."""
    if byteorder == "little":
        return numbers
    turned = numbers[:]
    turned.byteswap()
    return turned
