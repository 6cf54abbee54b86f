"""Answers by a real Safe of two of three officers: what they sign, what is refused unsent, and the audit of it."""

from __future__ import annotations

import copy
import dataclasses
import json
import sys
import time
from pathlib import Path

import pytest
from eth_account import Account
from safe import own_call, sent_by
from workflows_rows import ALPHA, BETA, record_line, records_file
from workflows_wallet import OFFICERS, governed, signed

sys.path.insert(0, str(Path(__file__).parents[1] / "store"))

from faults import Crash, FaultyNode

from ledger.chain import calldata
from ledger.chain.contracts import Call, Contracts
from ledger.chain.keystore import authority_key
from ledger.chain.rpc import RpcRefused
from ledger.errors import BadValue, Conflict, Forbidden, NotFound
from ledger.workflows.auditing import audit
from ledger.workflows.governing import (
    declare_compromised,
    invalidate_signatures,
    invalidating,
    set_four_eyes,
    set_key,
)
from ledger.workflows.importing import import_file
from ledger.workflows.objecting import answer_objection, objection_now, open_objection
from ledger.workflows.sending import present
from ledger.workflows.wallet_answers import post, show
from ledger.workflows.wallet_batches import post as post_batch

pytest_plugins = ["workflows_office"]

WEEK = 7 * 86_400
TOOK = "the contract took it"


@pytest.fixture
def objected(office, tmp_path):
    """Two records, an objection to each by another firm; the authority asks for four eyes. And its Safe."""
    rows = (record_line("R1", party=ALPHA, type="CU04"), record_line("R2", party=BETA, type="CU04"))
    assert import_file(
        office, records_file(tmp_path / "records.csv", *rows), "records", office.authorities["GACC"]
    ).recorded
    office.follower.catch_up()
    for number in (1, 2):
        open_objection(office, f"GACC-{number}", f"declared in time, {number}")
    return office, governed(office)


def shown(office, objection=1, outcome="rejected", answer="It was not. 未申报。", valid_for=WEEK):
    return json.loads(json.dumps(show(office, objection, outcome, answer, None, valid_for)))


def sent(office):
    return office.node.request("eth_getTransactionCount", office.keystore.address("operator"), "latest")


def test_two_officers_sign_an_answer_and_it_is_posted_once(objected):
    office, safe = objected
    with pytest.raises(Forbidden, match="officers to sign: credit-ledger objection show 1"):
        answer_objection(office, 1, "rejected", "no")
    found = shown(office)
    assert (found["wallet"], found["record"], found["statement"]) == (safe, "GACC-1", "declared in time, 1")
    assert found["message"]["message"] | {"answer": "", "deadline": 0} == {
        "objection": 1,
        "enterprise": 1,
        "authority": "GACC",
        "record": 1,
        "outcome": 3,
        "answer": "",
        "epoch": 0,
        "deadline": 0,
    }
    done = post(office, found["message"], safe.lower(), signed(found, 2, 0))
    assert (done["outcome"], done["answer"], done["already"]) == ("rejected", "It was not. 未申报。", False)
    invalidate_signatures(office, "GACC")
    before = sent(office)
    again = post(office, found["message"], safe, signed(found, 2, 0))
    assert (again["outcome"], again["already"], sent(office)) == ("rejected", True, before)
    with pytest.raises(Conflict, match=rf"objection 1 is answered already \(rejected, by {safe}\)"):
        shown(office)
    assert audit(office).deviations == ()


@pytest.mark.parametrize("arrives", [True, False])
def test_killed_while_posting_it_is_answered_once(objected, arrives):
    office, safe = objected
    found = shown(office)
    node = FaultyNode(office.node, "eth_sendRawTransaction", lambda _: True, arrives=arrives, error=Crash)
    killed = dataclasses.replace(office, node=node, contracts=Contracts(node, office.deployment))
    with pytest.raises(Crash):
        post(killed, found["message"], safe, signed(found, 0, 1))
    done = post(office, found["message"], safe, signed(found, 0, 1))
    assert (done["outcome"], done["already"]) == ("rejected", arrives)


def test_what_does_not_hold_is_refused_and_nothing_is_sent(objected):
    office, safe = objected
    found, other = shown(office), shown(office, answer="Another text.")
    upheld, second = shown(office, outcome="upheld"), shown(office, objection=2)
    own = office.keystore.address(authority_key("GACC"))
    before = sent(office)
    once = signed(found, 1)
    for wrong in (
        once,
        once * 2,
        [b"\0" * 130],
        signed(other, 0, 1),
        signed(upheld, 0, 1),
        signed(second, 0, 1),
    ):
        with pytest.raises((Forbidden, BadValue), match=r"does not stand by|no account's signature"):
            post(office, found["message"], safe, wrong)
    for path, value, why in (
        ("enterprise", 2, r"message\.enterprise: '2': objection 1 has 1 here"),
        ("record", 2, r"message\.record: '2': objection 1 has 1"),
        ("authority", "STA", r"message\.authority: 'STA': objection 1 has 'GACC'"),
        ("epoch", 1, r"message\.epoch: '1': objection 1 has 0"),
        ("objection", 2, r"message\.enterprise: '1': objection 2 has 2"),
        ("objection", 9, "there is no objection 9"),
        ("outcome", 1, "does not stand by"),
        ("outcome", 0, r"message\.outcome: '0': one of 1, 2, 3"),
        ("answer", other["message"]["message"]["answer"], "does not stand by"),
        ("answer", "0x" + "5a" * 32, r"message\.answer.*no text is held here under it"),
        ("deadline", found["message"]["message"]["deadline"] + 1, "does not stand by"),
        ("deadline", present(office) - 1, r"message\.deadline.*has passed: show it again"),
    ):
        changed = copy.deepcopy(found["message"])
        changed["message"][path] = value
        with pytest.raises((BadValue, Forbidden, NotFound), match=why):
            post(office, changed, safe, signed(found, 0, 1))
    for key, why in ((own, "is an account"), (office.keystore.address("operator"), "not a key of GACC")):
        with pytest.raises(BadValue, match=why):
            post(office, found["message"], key, signed(found, 0, 1))
    with pytest.raises(BadValue, match="is an answer: post it by `objection post`"):
        post_batch(office, "GACC", found["message"], safe, signed(found, 0, 1))
    for outcome, answer in (("perhaps", "x"), ("open", "x"), ("upheld", "  ")):
        with pytest.raises(BadValue):
            shown(office, outcome=outcome, answer=answer)
    assert (sent(office), objection_now(office, 1)["outcome"]) == (before, "open")
    assert post(office, found["message"], safe, signed(found, 0, 1))["outcome"] == "rejected"


def test_what_changed_meanwhile_is_refused_and_can_be_signed_again(objected):
    office, safe = objected
    found = shown(office)
    invalidate_signatures(office, "GACC")
    with pytest.raises(BadValue, match=r"message\.epoch: '0': objection 1 has 1 here"):
        post(office, found["message"], safe, signed(found, 0, 1))
    found = shown(office)
    sentinel, first = "0x" + "00" * 19 + "01", Account.from_key(OFFICERS[0]).address
    removed = own_call(safe, "removeOwner", sentinel, first, 2)
    sent_by(office.node, office.keystore, safe, OFFICERS[1:], removed)
    with pytest.raises(Forbidden, match="does not stand by"):
        post(office, found["message"], safe, signed(found, 0, 1))
    set_four_eyes(office, "GACC", False)
    answer_objection(office, 1, "upheld", "by one officer")
    with pytest.raises(Conflict, match=r"objection 1 is answered already \(upheld, by 0x"):
        post(office, found["message"], safe, signed(found, 1, 2))
    assert objection_now(office, 1)["answer"] == "by one officer"
    assert audit(office).deviations == ()


def test_a_wallet_in_wrong_hands_answers_no_more_and_its_answers_are_for_review(objected):
    office, safe = objected
    found, second = shown(office), shown(office, objection=2)
    post(office, found["message"], safe, signed(found, 0, 1))
    declare_compromised(office, "GACC", safe, int(time.time()) - 3600)
    with pytest.raises(BadValue, match="is not a key of GACC that is valid now"):
        post(office, second["message"], safe, signed(second, 0, 1))
    report = audit(office)
    assert report.deviations == ()
    answered = [each for each in report.review if each.what == "answered by a compromised key"]
    assert [each.where.partition(", ")[2] for each in answered] == ["objection 1"]


class Forgetful:
    """A node that has thrown away the state of old blocks, as most do."""

    def __init__(self, node):
        self._node = node
        self.where = "a forgetful node"

    def request(self, method, *params):
        at = params[-1] if params else None
        if method == "eth_getCode" and at != "latest" and at != self._node.request("eth_blockNumber"):
            raise RpcRefused("missing trie node", -32000)
        return self._node.request(method, *params)

    def requests(self, calls):
        return [self.request(method, *params) for method, *params in calls]


def unsure(office):
    """The lines of an audit about wallets, without the verdict that a first audit has anyway."""
    report = audit(office)
    assert report.deviations == ()
    return [each for each in report.not_checked if "of a contract wallet" in each.what]


def test_the_audit_asks_the_wallet_by_its_state_of_then_or_says_that_nobody_can(objected, monkeypatch):
    office, safe = objected
    found = shown(office)
    post(office, found["message"], safe, signed(found, 0, 1))
    set_four_eyes(office, "GACC", False)
    answer_objection(office, 2, "upheld", "by its own key")
    sentinel, first = "0x" + "00" * 19 + "01", Account.from_key(OFFICERS[0]).address
    sent_by(
        office.node, office.keystore, safe, OFFICERS[1:], own_call(safe, "removeOwner", sentinel, first, 2)
    )
    report = audit(office)
    assert unsure(office) == []
    checked = {name: many for name, many in report.checked.items() if name.startswith("answers_")}
    assert checked == {"answers_signed": 1, "answers_sent_by_their_key": 0, "answers_of_contract_wallets": 1}

    (line,) = unsure(dataclasses.replace(office, node=Forgetful(office.node)))
    assert (line.what, "objection 1" in line.where) == ("answer of a contract wallet", True)
    assert (
        line.why
        == f"{safe.lower()}: the node has no state of its block, by which the wallet could be asked; {TOOK}"
    )

    def wrong(call):  # the signature that the call carries, changed
        return call and (call[0], bytes(len(call[1])))

    honest, whats = calldata._arguments, []
    for change, why in (
        (wrong, "the wallet does not stand by what was posted"),
        (lambda _: None, "may have sent it"),
    ):
        monkeypatch.setattr(calldata, "_arguments", lambda data, change=change: change(honest(data)))
        report = audit(office)
        whats.append({each.what for each in report.deviations})
        assert [why in each.why for each in report.not_checked if "of a contract wallet" in each.what] == [
            True
        ]
    assert whats == [{"answer without its key's signature", "batch without its key's signature"}] * 2


def test_an_authority_with_no_valid_key_but_its_wallet_takes_signatures_back_by_it(objected):
    office, safe = objected
    own = office.keystore.address(authority_key("GACC"))
    set_key(office, "GACC", own, None, present(office))
    with pytest.raises(Forbidden, match=r"its wallet is to send it: .* invalidate GACC --wallet ADDRESS"):
        invalidate_signatures(office, "GACC")
    with pytest.raises(BadValue, match="not a key of GACC"):
        invalidating(office, "GACC", own)
    found, call = shown(office), invalidating(office, "GACC", safe)
    act = Call(call["to"], bytes.fromhex(call["data"][2:]), call["value"])
    sent_by(office.node, office.keystore, safe, OFFICERS[:2], act)
    with pytest.raises(BadValue, match=r"message\.epoch: '0': objection 1 has 1 here"):
        post(office, found["message"], safe, signed(found, 0, 1))
    again = shown(office)
    assert post(office, again["message"], safe, signed(again, 0, 1))["outcome"] == "rejected"
