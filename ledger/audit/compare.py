"""The replayed state against what others say it is: the contracts themselves, and the published scores.

The index's rows are compared in `rows`, documents in `documents`, identities in `identities`; all are offered
here too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger.audit.deviation import Deviation, at_log
from ledger.audit.documents import DocumentCheck, compare_documents
from ledger.audit.identities import IdentityCheck, compare_identities
from ledger.audit.rows import RUN_COLUMNS, RunRow, compare_rows, run_row
from ledger.scoring.roots import score_root

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ledger.audit.access import Question
    from ledger.audit.replay import Replay
    from ledger.domain.facts import AssessmentPublished
    from ledger.scoring.roots import Scored

__all__ = [
    "RUN_COLUMNS",
    "ContractState",
    "DocumentCheck",
    "IdentityCheck",
    "RunRow",
    "compare_contract",
    "compare_documents",
    "compare_identities",
    "compare_rows",
    "compare_scores",
    "run_row",
]


@dataclass(frozen=True)
class ContractState:
    """What the contracts' views answered at one block.

    Mappings are by authority number, except `heads` (by enterprise; all or some), `key_windows` and
    `compromises` (by authority and address, lower case), `cards` (by hash) and `access` (by what the access
    manager was asked). `timestamp` is the time the mandates were asked at.
    """

    block_number: int
    timestamp: int
    log_size: int
    root: bytes
    enterprise_count: int
    authority_count: int
    epoch_count: int
    objection_count: int
    record_counts: Mapping[int, int]
    mandates: Mapping[int, int]
    suspended: Mapping[int, bool] = field(default_factory=dict)
    key_windows: Mapping[tuple[int, str], tuple[int, int]] = field(default_factory=dict)
    compromises: Mapping[tuple[int, str], int] = field(default_factory=dict)
    four_eyes: Mapping[int, bool] = field(default_factory=dict)
    signature_epochs: Mapping[int, int] = field(default_factory=dict)
    objections: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    cards: Mapping[bytes, int] = field(default_factory=dict)
    heads: Mapping[int, bytes] = field(default_factory=dict)
    access: Mapping[Question, tuple[int, ...]] = field(default_factory=dict)


def compare_contract(replay: Replay, state: ContractState) -> Iterator[Deviation]:
    """Yield where the contracts' state differs from the one replayed up to the same block."""
    for name, expected, found in _claims(replay, state):
        if expected != found:
            where = f"contract at block {state.block_number}, {name}"
            yield Deviation("contract state differs", where, _show(expected), _show(found))


_Value = int | bytes | bool | tuple[int, ...] | None


def _claims(replay: Replay, state: ContractState) -> Iterator[tuple[str, _Value, _Value]]:
    """(name, replayed value, the contract's value) of everything that can be compared."""
    yield "logSize", replay.log.size, state.log_size
    yield "root", replay.log.root(), state.root
    yield "enterpriseCount", len(replay.heads), state.enterprise_count
    yield "authorityCount", len(replay.authorities), state.authority_count
    yield "epochCount", len(replay.scorebook.assessments), state.epoch_count
    yield "objectionCount", len(replay.objections.objections), state.objection_count
    for number, values in state.objections.items():
        objection = replay.objections.objections.get(number)
        yield f"objection {number}", objection.values if objection else None, values
    for number, known in replay.authorities.items():
        yield f"recordCount of {known.code}", known.count, state.record_counts.get(number)
        yield f"mandate of {known.code}", known.mandate_at(state.timestamp), state.mandates.get(number)
    for number, suspended in state.suspended.items():
        authority = replay.authorities.get(number)
        yield f"suspension of authority {number}", authority.suspended if authority else None, suspended
    for (number, key), window in state.key_windows.items():
        authority = replay.authorities.get(number)
        yield f"window of key {key}", authority.keys.get(key, (0, 0)) if authority else None, window
    for (number, key), since in state.compromises.items():
        authority = replay.authorities.get(number)
        yield f"compromise of key {key}", authority.compromised.get(key, 0) if authority else None, since
    for number, required in state.four_eyes.items():
        authority = replay.authorities.get(number)
        yield f"four eyes of authority {number}", authority.four_eyes if authority else None, required
    for number, epoch in state.signature_epochs.items():
        authority = replay.authorities.get(number)
        yield f"signature epoch of authority {number}", authority.epoch if authority else None, epoch
    for card, effective_on in state.cards.items():
        yield f"card {card.hex()}", replay.scorebook.cards.get(card), effective_on
    for question, answer in state.access.items():
        yield f"access manager, {question}", question.answer, answer
    for enterprise, head in state.heads.items():
        yield f"head of enterprise {enterprise}", replay.heads.get(enterprise), head


def _show(value: _Value) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple) and len(value) != 2:
        return ", ".join(map(str, value))
    if isinstance(value, tuple):
        return f"{value[0]} <= time < {value[1]}"
    return "nothing" if value is None else str(value)


def compare_scores(assessment: AssessmentPublished, scores: Sequence[Scored]) -> Iterator[Deviation]:
    """Yield where scores computed anew, sorted by enterprise, are not the ones an assessment anchored."""
    where = at_log(assessment.at, f"assessment {assessment.epoch}")
    if len(scores) != assessment.count:
        yield Deviation(
            "assessment of other enterprises", where, f"{len(scores)} scores", str(assessment.count)
        )
    root = score_root(scores)
    if root != assessment.root:
        yield Deviation("score root not reproduced", where, root.hex(), assessment.root.hex())
