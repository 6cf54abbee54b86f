"""From raw logs to facts: fixed-width decoding by topic, without an ABI library.

Every event of the ledger has only words of 32 bytes, and `Recorded` one byte string after them, so
decoding is slicing. Layouts are those of the interfaces in `contracts/src/interfaces`; topics are hashed
from the artifacts.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger.chain.abi import event_topics
from ledger.chain.rpc import get_logs
from ledger.domain.facts import (
    AnswerPeriodSet,
    AssessmentPublished,
    AuthorityAdded,
    AuthorityUpdated,
    BatchRecorded,
    CardRegistered,
    EnterpriseKeySet,
    FourEyesSet,
    KeyCompromised,
    KeySet,
    MandateSet,
    ObjectionAnswered,
    ObjectionOpened,
    Place,
    Registered,
    RoleAdminChanged,
    RoleGrantDelayChanged,
    RoleGranted,
    RoleGuardianChanged,
    RoleRevoked,
    Run,
    SignaturesInvalidated,
    SuspensionSet,
    TargetAdminDelayUpdated,
    TargetClosed,
    TargetFunctionRoleUpdated,
    TreeHead,
)
from ledger.errors import ChainDamaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ledger.chain.rpc import Node
    from ledger.domain.facts import Fact

#: Blocks asked for at once: at first, and at most once the answers have proved small.
FIRST_SPAN, LONGEST_SPAN = 4, 8192
#: Logs that an answer is meant to hold: enough to be quick, few enough to keep memory flat (5 kB for each).
_MANY_LOGS = 2000


def decode(raw: dict[str, Any], timestamp: int) -> Fact | None:
    """Return the fact of one log of the ledger's contracts, in a block of that time (Unix seconds).

    Events that are no facts (such as a change of governance) give nothing. Raises `ChainDamaged` for a log
    that cannot have come from the contracts.
    """
    return next(_decoded([raw], {raw["blockNumber"]: timestamp}), None)


def _decoded(logs: Iterable[dict[str, Any]], times: Mapping[str, int]) -> Iterator[Fact]:
    """The facts among logs in chain order, whose blocks' times are given by `blockNumber`."""
    decoders = _decoders()
    number_text = hash_text = ""
    number, block_hash, timestamp = 0, b"", 0
    for raw in logs:
        topics: list[str] = raw["topics"]
        decoder = decoders.get(topics[0]) if topics else None
        if decoder is None:
            continue
        # Read once a block: its logs come one after another.
        if raw["blockHash"] != hash_text or raw["blockNumber"] != number_text:
            number_text, hash_text = raw["blockNumber"], raw["blockHash"]
            number, timestamp = int(number_text, 16), times[number_text]
            block_hash = bytes.fromhex(hash_text[2:])
        at = Place(number, block_hash, timestamp, int(raw["logIndex"], 16))
        if decoder is _authority_updated:
            topics = [*topics, raw["address"]]  # the one event that any contract may send about itself
        try:
            yield decoder(at, topics, bytes.fromhex(raw["data"][2:]))
        except (ValueError, IndexError) as error:
            raise ChainDamaged(f"block {number}: log {at.log_index} cannot be decoded: {error}") from None


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
            facts = list(_decoded(logs, times))
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


# ---------------------------------------------------------------------- one decoder per event


def _words(data: bytes, count: int) -> list[int]:
    """The data's 32-byte words as integers. Raises `ValueError` unless there are exactly `count`."""
    if len(data) != 32 * count:
        raise ValueError(f"{len(data)} bytes of data, not {32 * count}")
    return [int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32)]


def _topic(topics: list[str], index: int) -> int:
    return int(topics[index], 16)


def _authority_added(at: Place, topics: list[str], data: bytes) -> Fact:
    _words(data, 1)
    return AuthorityAdded(at, _topic(topics, 1), data.rstrip(b"\0").decode("ascii"))


def _mandate_set(at: Place, topics: list[str], data: bytes) -> Fact:
    mandate, weighty, start = _words(data, 3)
    return MandateSet(at, _topic(topics, 1), mandate, weighty, start)


def _key_set(at: Place, topics: list[str], data: bytes) -> Fact:
    start, until = _words(data, 2)
    return KeySet(at, _topic(topics, 1), "0x" + topics[2][26:].lower(), start, until)


def _key_compromised(at: Place, topics: list[str], data: bytes) -> Fact:
    (start,) = _words(data, 1)
    return KeyCompromised(at, _topic(topics, 1), "0x" + topics[2][26:].lower(), start)


def _four_eyes_set(at: Place, topics: list[str], data: bytes) -> Fact:
    (required,) = _words(data, 1)
    return FourEyesSet(at, _topic(topics, 1), bool(required))


def _signatures_invalidated(at: Place, topics: list[str], data: bytes) -> Fact:
    (epoch,) = _words(data, 1)
    return SignaturesInvalidated(at, _topic(topics, 1), epoch)


def _suspension_set(at: Place, topics: list[str], data: bytes) -> Fact:
    (suspended,) = _words(data, 1)
    return SuspensionSet(at, _topic(topics, 1), bool(suspended))


def _registered(at: Place, topics: list[str], data: bytes) -> Fact:
    _words(data, 1)
    return Registered(at, _topic(topics, 1), data)


def _batch_recorded(at: Place, topics: list[str], data: bytes) -> Fact:
    first, count = _words(data, 2)
    return BatchRecorded(at, _topic(topics, 1), "0x" + topics[2][26:].lower(), first, count)


def _recorded(at: Place, topics: list[str], data: bytes) -> Fact:
    """firstRecordId, leafIndex, head, offset of the byte string (always 128), its length, its bytes."""
    if len(data) < _RUN.size:
        raise ValueError("not a run")
    above_id, first_id, above_leaf, leaf_index, head, offset, above_length, length = _RUN.unpack_from(data)
    if (
        offset != _RECORDS_OFFSET
        or not above_id == above_leaf == above_length == _NOTHING
        or len(data) != 160 + length + -length % 32
    ):
        raise ValueError("not a run")
    enterprise, authority = int(topics[1], 16), int(topics[2], 16)
    return Run(at, enterprise, authority, first_id, leaf_index, head, data[160 : 160 + length])


#: The words before a run's bytes; each number is a u64 in the low bytes of its word.
_RUN = Struct(">24sQ24sQ32s32s24sQ")
_NOTHING = bytes(24)
_RECORDS_OFFSET = (128).to_bytes(32, "big")


def _tree_head(at: Place, _topics: list[str], data: bytes) -> Fact:
    size, _ = _words(data, 2)
    return TreeHead(at, size, data[32:])


def _card_registered(at: Place, topics: list[str], data: bytes) -> Fact:
    (effective_on,) = _words(data, 1)
    return CardRegistered(at, bytes.fromhex(topics[1][2:]), effective_on)


def _assessment_published(at: Place, topics: list[str], data: bytes) -> Fact:
    as_of, _, count, block, log_size, _ = _words(data, 6)
    card = bytes.fromhex(topics[2][2:])
    return AssessmentPublished(
        at, _topic(topics, 1), card, as_of, data[32:64], count, block, log_size, data[160:192]
    )


def _answer_period_set(at: Place, _topics: list[str], data: bytes) -> Fact:
    days, start = _words(data, 2)
    return AnswerPeriodSet(at, days, start)


def _enterprise_key_set(at: Place, topics: list[str], data: bytes) -> Fact:
    _words(data, 1)
    return EnterpriseKeySet(at, _topic(topics, 1), _address(data, 0))


def _objection_opened(at: Place, topics: list[str], data: bytes) -> Fact:
    _, opened_on, due_on, _ = _words(data, 4)
    objection, enterprise, record = (_topic(topics, place) for place in (1, 2, 3))
    by = _address(data, 0)
    return ObjectionOpened(at, objection, enterprise, record, by, opened_on, due_on, data[96:])


def _objection_answered(at: Place, topics: list[str], data: bytes) -> Fact:
    _, outcome, _ = _words(data, 3)
    return ObjectionAnswered(at, _topic(topics, 1), _address(data, 0), outcome, data[64:])


def _role_granted(at: Place, topics: list[str], data: bytes) -> Fact:
    delay, since, new = _words(data, 3)
    return RoleGranted(at, _topic(topics, 1), _account(topics, 2), delay, since, bool(new))


def _role_revoked(at: Place, topics: list[str], data: bytes) -> Fact:
    _words(data, 0)
    return RoleRevoked(at, _topic(topics, 1), _account(topics, 2))


def _role_admin_changed(at: Place, topics: list[str], data: bytes) -> Fact:
    _words(data, 0)
    return RoleAdminChanged(at, _topic(topics, 1), _topic(topics, 2))


def _role_guardian_changed(at: Place, topics: list[str], data: bytes) -> Fact:
    _words(data, 0)
    return RoleGuardianChanged(at, _topic(topics, 1), _topic(topics, 2))


def _role_grant_delay_changed(at: Place, topics: list[str], data: bytes) -> Fact:
    delay, since = _words(data, 2)
    return RoleGrantDelayChanged(at, _topic(topics, 1), delay, since)


def _target_closed(at: Place, topics: list[str], data: bytes) -> Fact:
    (closed,) = _words(data, 1)
    return TargetClosed(at, _account(topics, 1), bool(closed))


def _target_function_role_updated(at: Place, topics: list[str], data: bytes) -> Fact:
    _words(data, 1)
    return TargetFunctionRoleUpdated(at, _account(topics, 1), data[:4], _topic(topics, 2))


def _target_admin_delay_updated(at: Place, topics: list[str], data: bytes) -> Fact:
    delay, since = _words(data, 2)
    return TargetAdminDelayUpdated(at, _account(topics, 1), delay, since)


def _authority_updated(at: Place, topics: list[str], data: bytes) -> Fact:
    _words(data, 1)
    return AuthorityUpdated(at, topics[1].lower(), _address(data, 0))


def _account(topics: list[str], index: int) -> str:
    return "0x" + topics[index][26:].lower()


def _address(data: bytes, word: int) -> str:
    return "0x" + data[32 * word + 12 : 32 * word + 32].hex()


@cache
def _decoders() -> dict[str, Callable[[Place, list[str], bytes], Fact]]:
    """Decoders by topic0."""
    wanted: dict[str, dict[str, Callable[[Place, list[str], bytes], Fact]]] = {
        "Authorities": {
            "AuthorityAdded": _authority_added,
            "MandateSet": _mandate_set,
            "KeySet": _key_set,
            "KeyCompromised": _key_compromised,
            "FourEyesSet": _four_eyes_set,
            "SuspensionSet": _suspension_set,
        },
        "CreditLedger": {
            "Registered": _registered,
            "BatchRecorded": _batch_recorded,
            "Recorded": _recorded,
            "SignaturesInvalidated": _signatures_invalidated,
            "TreeHead": _tree_head,
        },
        "ScoreBook": {
            "CardRegistered": _card_registered,
            "AssessmentPublished": _assessment_published,
        },
        "Objections": {
            "AnswerPeriodSet": _answer_period_set,
            "EnterpriseKeySet": _enterprise_key_set,
            "ObjectionOpened": _objection_opened,
            "ObjectionAnswered": _objection_answered,
            "AuthorityUpdated": _authority_updated,
        },
        "AccessManager": {
            "RoleGranted": _role_granted,
            "RoleRevoked": _role_revoked,
            "RoleAdminChanged": _role_admin_changed,
            "RoleGuardianChanged": _role_guardian_changed,
            "RoleGrantDelayChanged": _role_grant_delay_changed,
            "TargetClosed": _target_closed,
            "TargetFunctionRoleUpdated": _target_function_role_updated,
            "TargetAdminDelayUpdated": _target_admin_delay_updated,
        },
    }
    return {
        "0x" + event_topics(contract)[event].hex(): decoder
        for contract, events in wanted.items()
        for event, decoder in events.items()
    }
