"""The contracts' state at one block, asked for as far as a replay knows what to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.audit.compare import ContractState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.audit.access import Question
    from ledger.audit.replay import Replay
    from ledger.chain.contracts import Contracts
    from ledger.chain.rpc import Node

#: Contract heads compared one by one. The log's root covers every head; these are a second look.
_HEADS: Final = 500


def contract_state(node: Node, contracts: Contracts, replay: Replay, block: int) -> ContractState:
    """Ask for everything the replayed state is compared with. Raises what the node raises."""
    numbers = range(1, contracts.authority_count(block) + 1)
    keys = [
        (number, key)
        for number, known in replay.authorities.items()
        for key in known.keys | known.compromised
    ]
    heads = _spread(sorted(replay.heads), _HEADS)
    asked_at = node.request("eth_getBlockByNumber", hex(block), False)
    timestamp = int(asked_at["timestamp"], 16)
    return ContractState(
        block_number=block,
        timestamp=timestamp,
        log_size=contracts.log_size(block),
        root=contracts.root(block),
        enterprise_count=contracts.enterprise_count(block),
        authority_count=len(numbers),
        epoch_count=contracts.epoch_count(block),
        objection_count=contracts.objection_count(block),
        objections={each: contracts.objection(each, block) for each in replay.objections.objections},
        record_counts={number: contracts.record_count(number, block) for number in numbers},
        mandates={number: contracts.mandate_now(number, block) for number in numbers},
        suspended={number: contracts.suspended(number, block) for number in numbers},
        key_windows={(number, key): contracts.key_window(number, key, block) for number, key in keys},
        compromises={(number, key): contracts.compromised_from(number, key, block) for number, key in keys},
        four_eyes={number: contracts.four_eyes(number, block) for number in numbers},
        signature_epochs={number: contracts.signature_epoch(number, block) for number in numbers},
        cards={card: contracts.card_effective_on(card, block) for card in replay.scorebook.cards},
        access=_access(contracts, replay, timestamp, block),
        heads=dict(zip(heads, contracts.heads(heads, block), strict=True)),
    )


def _access(
    contracts: Contracts, replay: Replay, timestamp: int, block: int
) -> dict[Question, tuple[int, ...]]:
    asked = list(replay.access.questions(timestamp))
    found = contracts.views([("AccessManager", each.function, each.arguments) for each in asked], block)
    return {each: tuple(int(value) for value in values) for each, values in zip(asked, found, strict=True)}


def _spread(values: Sequence[int], most: int) -> list[int]:
    """Return at most `most` of the values and the last, evenly spread."""
    step = max(1, -(-len(values) // most))
    return sorted({*values[::step], *values[-1:]})
