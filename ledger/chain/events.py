"""From raw logs to facts: fixed-width decoding by topic, without an ABI library.

Every event of the ledger has only words of 32 bytes, and `Recorded` one byte string after them, so
decoding is slicing. Layouts are those of the interfaces in `contracts/src/interfaces`; topics are hashed
from the artifacts.
"""

from __future__ import annotations

from functools import cache
from struct import Struct
from typing import TYPE_CHECKING, Any

from ledger.chain import access_events
from ledger.chain.abi import event_topics
from ledger.chain.words import address, topic, words
from ledger.domain.facts import (
    AnswerPeriodSet,
    AssessmentPublished,
    AuthorityAdded,
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
    Run,
    SignaturesInvalidated,
    SuspensionSet,
    TreeHead,
)
from ledger.errors import ChainDamaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ledger.domain.facts import Fact


def decode(raw: dict[str, Any], timestamp: int) -> Fact | None:
    """Return the fact of one log of the ledger's contracts, in a block of that time (Unix seconds).

    Events that are no facts (such as a change of governance) give nothing. Raises `ChainDamaged` for a log
    that cannot have come from the contracts.
    """
    return next(decoded([raw], {raw["blockNumber"]: timestamp}), None)


def decoded(logs: Iterable[dict[str, Any]], times: Mapping[str, int]) -> Iterator[Fact]:
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
        if decoder is access_events.authority_updated:
            topics = [*topics, raw["address"]]  # the one event that any contract may send about itself
        try:
            yield decoder(at, topics, bytes.fromhex(raw["data"][2:]))
        except (ValueError, IndexError) as error:
            raise ChainDamaged(f"block {number}: log {at.log_index} cannot be decoded: {error}") from None


def _authority_added(at: Place, topics: list[str], data: bytes) -> Fact:
    words(data, 1)
    return AuthorityAdded(at, topic(topics, 1), data.rstrip(b"\0").decode("ascii"))


def _mandate_set(at: Place, topics: list[str], data: bytes) -> Fact:
    mandate, weighty, start = words(data, 3)
    return MandateSet(at, topic(topics, 1), mandate, weighty, start)


def _key_set(at: Place, topics: list[str], data: bytes) -> Fact:
    start, until = words(data, 2)
    return KeySet(at, topic(topics, 1), "0x" + topics[2][26:].lower(), start, until)


def _key_compromised(at: Place, topics: list[str], data: bytes) -> Fact:
    (start,) = words(data, 1)
    return KeyCompromised(at, topic(topics, 1), "0x" + topics[2][26:].lower(), start)


def _four_eyes_set(at: Place, topics: list[str], data: bytes) -> Fact:
    (required,) = words(data, 1)
    return FourEyesSet(at, topic(topics, 1), bool(required))


def _signatures_invalidated(at: Place, topics: list[str], data: bytes) -> Fact:
    (epoch,) = words(data, 1)
    return SignaturesInvalidated(at, topic(topics, 1), epoch)


def _suspension_set(at: Place, topics: list[str], data: bytes) -> Fact:
    (suspended,) = words(data, 1)
    return SuspensionSet(at, topic(topics, 1), bool(suspended))


def _registered(at: Place, topics: list[str], data: bytes) -> Fact:
    words(data, 1)
    return Registered(at, topic(topics, 1), data)


def _batch_recorded(at: Place, topics: list[str], data: bytes) -> Fact:
    first, count = words(data, 2)
    return BatchRecorded(at, topic(topics, 1), "0x" + topics[2][26:].lower(), first, count)


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
    size, _ = words(data, 2)
    return TreeHead(at, size, data[32:])


def _card_registered(at: Place, topics: list[str], data: bytes) -> Fact:
    (effective_on,) = words(data, 1)
    return CardRegistered(at, bytes.fromhex(topics[1][2:]), effective_on)


def _assessment_published(at: Place, topics: list[str], data: bytes) -> Fact:
    as_of, _, count, block, log_size, _ = words(data, 6)
    card = bytes.fromhex(topics[2][2:])
    return AssessmentPublished(
        at, topic(topics, 1), card, as_of, data[32:64], count, block, log_size, data[160:192]
    )


def _answer_period_set(at: Place, _topics: list[str], data: bytes) -> Fact:
    days, start = words(data, 2)
    return AnswerPeriodSet(at, days, start)


def _enterprise_key_set(at: Place, topics: list[str], data: bytes) -> Fact:
    words(data, 1)
    return EnterpriseKeySet(at, topic(topics, 1), address(data, 0))


def _objection_opened(at: Place, topics: list[str], data: bytes) -> Fact:
    _, opened_on, due_on, _ = words(data, 4)
    objection, enterprise, record = (topic(topics, place) for place in (1, 2, 3))
    by = address(data, 0)
    return ObjectionOpened(at, objection, enterprise, record, by, opened_on, due_on, data[96:])


def _objection_answered(at: Place, topics: list[str], data: bytes) -> Fact:
    _, outcome, _ = words(data, 3)
    return ObjectionAnswered(at, topic(topics, 1), address(data, 0), outcome, data[64:])


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
            "AuthorityUpdated": access_events.authority_updated,
        },
        "AccessManager": dict(access_events.EVENTS),
    }
    return {
        "0x" + event_topics(contract)[event].hex(): decoder
        for contract, events in wanted.items()
        for event, decoder in events.items()
    }
