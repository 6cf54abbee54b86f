"""The audit's outside sources: contract code, other nodes, assessments computed anew. Each catches its lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from house import House, event, party
from parts import parts
from sqlalchemy import update

from ledger.chain.abi import CONTRACTS
from ledger.chain.submitter import Submitter
from ledger.domain.calendar import to_day
from ledger.scoring.cards import load_cards
from ledger.store import vault
from ledger.workflows.assessing import assess
from ledger.workflows.audit_progress import Progress
from ledger.workflows.auditing import audit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ledger.chain.rpc import Node

TODAY = to_day("2026-04-02")
CARD = load_cards()[0].hash


class Liar:
    """The house's node, with a change to what it answers to some methods."""

    where = "a node that lies"

    def __init__(self, node: Node, method: str, lie: Callable[[Any], Any]) -> None:
        self._node, self._method, self._lie = node, method, lie

    def request(self, method: str, *params: object) -> Any:
        answer = self._node.request(method, *params)
        return self._lie(answer) if method == self._method else answer

    def requests(self, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        return [self.request(*each) for each in calls]

    def close(self) -> None:
        self._node.close()


@pytest.fixture
def ledger(house: House, tmp_path: Path) -> Any:
    """Two assessments, a day apart, of two enterprises and then of the one that changed."""
    found = parts(house, tmp_path)
    card = found.cards[0]
    assert card.hash == CARD
    register = found.contracts.register_card(card.hash, card.effective_on)
    Submitter(house.node, house.keystore, "governor").execute(register, 300_000)
    for day, references in ((TODAY, "AB"), (TODAY + 1, "C")):
        rows = [event(each, party(1 + (each == "B")), decided_on=day - 5) for each in references]
        house.accept(*rows)
        house.sender().drain()
        house.follower().catch_up()
        assess(found, day, clock=lambda day=day: day * 86400)
    return found


def only(ledger: Any, **options: Any) -> tuple[str, str]:
    report = audit(ledger, **options)
    (found,) = report.deviations
    return found.what, found.where


def test_assessments_are_computed_anew(ledger: Any) -> None:
    report = audit(ledger, nodes=[ledger.node])
    assert not report.deviations, report.to_text()
    checked = report.checked
    assert (checked["assessments"], checked["scores"], checked["scores_recomputed"]) == (2, 3, 4)
    assert checked["contracts"] == len(CONTRACTS)
    assert checked["facts_of_other_nodes"] == checked["facts"]


@pytest.mark.parametrize(("epoch", "log_size"), [(1, 1), (1, 3), (2, 2)])
def test_an_assessment_is_computed_from_what_the_chain_says_of_it(
    ledger: Any, epoch: int, log_size: int
) -> None:
    with ledger.db.write_vault() as connection:
        this = vault.assessments.c.epoch == epoch
        connection.execute(update(vault.assessments).where(this).values(log_size=log_size))
    assert only(ledger) == ("assessment differs in the vault", f"assessment {epoch}, log_size")


def test_an_assessment_with_a_card_that_is_not_at_hand_is_not_checked_nor_any_after_it(ledger: Any) -> None:
    ledger.cards = ()
    report = audit(ledger)
    assert not report.deviations
    named = [each for each in report.not_checked if each.what == "assessment"]
    assert [each.where.rpartition(", ")[2] for each in named] == ["assessment 1", "assessment 2"]
    assert {each.why.partition(",")[0] for each in named} == {f"the card {CARD.hex()}"}


@pytest.mark.parametrize(
    "lie",
    [lambda code: "0x", lambda code: code[:-2], lambda code: code[:200] + "ff" + code[202:]],
    ids=["none", "shorter", "one byte"],
)
def test_code_that_is_not_the_artifacts(ledger: Any, lie: Callable[[str], str]) -> None:
    ledger.node = Liar(ledger.node, "eth_getCode", lie)
    found = [each for each in audit(ledger).deviations if each.what == "code differs from its artifact"]
    assert [each.where.split()[1] for each in found] == list(CONTRACTS)


def last_word(logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Change one bit in the data of the last log."""
    *others, last = logs
    return [*others, {**last, "data": last["data"][:-1] + format(int(last["data"][-1], 16) ^ 1, "x")}]


@pytest.mark.parametrize(
    ("method", "lie", "where"),
    [
        ("eth_chainId", lambda _: "0x1", "chain id"),
        ("eth_getBlockByNumber", lambda block: {**block, "hash": "0x" + "00" * 32}, "block 0"),
        ("eth_getBlockByNumber", lambda _: None, "block 0"),
        ("eth_call", lambda word: word[:-1] + format(int(word[-1], 16) ^ 1, "x"), "contract at block "),
        ("eth_call", lambda _: "0x", "contracts at block "),
        ("eth_getLogs", lambda logs: logs[:-1], "block "),
        ("eth_getLogs", last_word, "block "),
    ],
    ids=[
        "another chain",
        "another block",
        "no block",
        "another state",
        "no state",
        "a log left out",
        "a log changed",
    ],
)
def test_a_node_that_tells_otherwise(ledger: Any, method: str, lie: Callable[[Any], Any], where: str) -> None:
    report = audit(ledger, nodes=[Liar(ledger.node, method, lie)])
    assert {each.what for each in report.deviations} == {"nodes differ"}
    assert report.deviations[0].where.startswith(f"a node that lies, {where}")


def test_an_audit_taken_up_asks_other_nodes_for_what_covers_the_part_before(
    ledger: Any, tmp_path: Path
) -> None:
    progress = Progress(tmp_path, ledger.deployment)
    assert not audit(ledger, progress=progress).deviations
    report = audit(ledger, nodes=[ledger.node], progress=progress, resume=True)
    assert not report.deviations, report.to_text()
    assert report.checked["facts_of_other_nodes"] == 0
    at = progress.load().block.number
    assert report.scope.endswith(f"other nodes were asked for block {at}, which covers them")
    forked = Liar(
        ledger.node, "eth_getBlockByNumber", lambda block: {**block, "hash": "0x" + block["hash"][:1:-1]}
    )
    report = audit(ledger, nodes=[forked], progress=progress, resume=True)
    assert f"block {at}" in report.deviations[-1].where
    assert {each.what for each in report.deviations} == {"nodes differ"}
