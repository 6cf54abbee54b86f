"""Four eyes by a real Safe of two of three officers: what waits, what is shown, and what is refused unsent."""

from __future__ import annotations

import copy
import dataclasses
import json
import sys
import time
from pathlib import Path

import pytest
from eth_account import Account
from workflows_rows import ALPHA, BETA, record_line, records_file
from workflows_wallet import OFFICERS, governed, signed

sys.path.insert(0, str(Path(__file__).parents[1] / "store"))

from faults import Crash, FaultyNode
from safe import new_safe

from ledger.audit.conditions import not_proven
from ledger.audit.verifier import verify_evidence
from ledger.chain import calldata
from ledger.chain.contracts import Contracts
from ledger.chain.deployment import NO_END
from ledger.chain.keystore import authority_key
from ledger.errors import BadValue, Conflict, Forbidden, NotFound
from ledger.workflows.auditing import audit
from ledger.workflows.governing import declare_compromised, invalidate_signatures, set_four_eyes, set_key
from ledger.workflows.importing import import_file
from ledger.workflows.linking import link, unlink
from ledger.workflows.proving import prove
from ledger.workflows.sending import present, send
from ledger.workflows.wallet_batches import post, show, waiting_now

pytest_plugins = ["workflows_office"]

WEEK = 7 * 86_400
NAME = "name:US:ACME"


def imported(office, path, *lines, code="GACC"):
    done = import_file(
        office, records_file(path / "records.csv", *lines), "records", office.authorities[code]
    )
    office.follower.catch_up()
    return done


def shown(office, code="GACC", valid_for=WEEK, size=200):
    found = show(office, code, None, valid_for, size)
    return json.loads(json.dumps(found))  # as a file has it


def count(office, code="GACC"):
    return office.contracts.record_count(office.authorities[code].number)


@pytest.fixture
def waits(office, tmp_path):
    """GACC-1 recorded; a serious record and the revocation of GACC-1 wait for the Safe."""
    safe = governed(office)
    lines = (
        record_line("R1", type="CU04"),
        record_line("R2", party=BETA),
        record_line("R3", type="LC02", refers_to="R1"),
    )
    assert imported(office, tmp_path, *lines).rejected == 0
    return office, safe


def test_two_officers_sign_what_waits_and_it_is_recorded(waits, tmp_path, monkeypatch):
    office, safe = waits
    assert (count(office), waiting_now(office)) == (1, {"GACC": 2})
    imported(office, tmp_path, record_line("R4", type="CU04"))
    assert count(office) == 2, "what is not weighty does not wait for what is"
    found = shown(office)
    assert (found["wallet"], found["first"], found["last"]) == (safe, "GACC-3", "GACC-4")
    serious, revoked = sorted(found["records"], key=lambda each: each["reference"])
    assert serious == {
        "record": serious["record"],
        "type": "CU01",
        "type_zh": "走私犯罪",
        "type_en": "Smuggling crime",
        "severity": 3,
        "decided_on": "2026-05-01",
        "conduct_on": "2026-05-01",
        "id": f"uscc:{BETA}",
        "name": BETA,
        "reference": "R2",
        "refers_to": None,
    }
    assert (revoked["type"], revoked["refers_to"]) == ("LC02", "GACC-1")
    assert found["message"]["message"]["types"] == [1, 241]
    imported(office, tmp_path, record_line("R5", type="CU04"))
    assert (count(office), waiting_now(office)) == (2, {"GACC": 3}), "numbered behind it"
    assert shown(office)["records"] == found["records"]
    done = post(office, "GACC", found["message"], safe.lower(), signed(found, 2, 0))
    assert done == {"first": "GACC-3", "last": "GACC-4", "count": 2, "wallet": safe, "already": False}
    assert (count(office), waiting_now(office)) == (5, {})
    report = audit(office)
    assert report.deviations == ()
    assert report.checked["batches_of_contract_wallets"] == 1
    file = verify_evidence(prove(office, ALPHA, office.today(), with_signatures=True))
    said = f"that {safe.lower()} signed all that is said to be by it: a contract wallet's signature no file can show"
    assert [each for each in not_proven(file) if each.startswith("that 0x")] == [said]
    assert "batch of a contract wallet" not in {each.what for each in report.not_checked}, "it was asked"
    monkeypatch.setattr(calldata, "_arguments", lambda _: None)
    (line,) = (each for each in audit(office).not_checked if each.what == "batch of a contract wallet")
    assert line.where.endswith("batch records GACC-3..4")
    assert "no call in its block has a signature of it" in line.why
    with pytest.raises(NotFound, match="nothing of GACC waits"):
        shown(office)


def test_what_does_not_hold_is_refused_and_nothing_is_sent(waits):
    office, safe = waits
    found = shown(office)
    operator = office.keystore.address("operator")
    sent = office.node.request("eth_getTransactionCount", operator, "latest")
    own = office.keystore.address(authority_key("GACC"))
    fewer = signed(found, 1)
    for wrong in (fewer, [fewer[0] * 2], [b"\0" * 130], signed({"safe_digest": found["digest"]}, 0, 1)):
        with pytest.raises(Forbidden, match="does not stand by this signature; nothing was sent"):
            post(office, "GACC", found["message"], safe, wrong)
    for path, value in (
        ("firstNumber", 4),
        ("count", 3),
        ("types", [1, 2]),
        ("epoch", 1),
        ("recordsHash", "0x" + "00" * 32),
        ("authority", "STA"),
    ):
        changed = copy.deepcopy(found["message"])
        changed["message"][path] = value
        with pytest.raises(BadValue, match=rf"message\.{path}.*the batch of GACC that waits has"):
            post(office, "GACC", changed, safe, signed(found, 0, 1))
    elsewhere = copy.deepcopy(found["message"])
    elsewhere["domain"]["chainId"] += 1
    with pytest.raises(BadValue, match=r"domain\.chainId"):
        post(office, "GACC", elsewhere, safe, signed(found, 0, 1))
    longer = copy.deepcopy(found["message"])
    longer["message"]["deadline"] += 1
    with pytest.raises(Forbidden, match="does not stand by"):
        post(office, "GACC", longer, safe, signed(found, 0, 1))
    for key, why in ((own, "is an account"), (operator, "not a key of GACC"), ("0x12", "not an address")):
        with pytest.raises(BadValue, match=why):
            post(office, "GACC", found["message"], key, signed(found, 0, 1))
    assert office.node.request("eth_getTransactionCount", operator, "latest") == sent
    assert count(office) == 1


def test_after_the_deadline_it_is_signed_again(waits):
    office, safe = waits
    found = shown(office, valid_for=2)
    while present(office) < found["message"]["message"]["deadline"]:  # the chain takes a second a block
        send(office, office.contracts.checkpoint())
    with pytest.raises(BadValue, match=r"message\.deadline.*has passed: show it again"):
        post(office, "GACC", found["message"], safe, signed(found, 0, 1))
    again = shown(office)
    assert again["records"] == found["records"]
    assert post(office, "GACC", again["message"], safe, signed(again, 0, 1))["count"] == 2


def test_signatures_that_were_invalidated_are_named_by_their_epoch(waits):
    office, safe = waits
    found = shown(office)
    invalidate_signatures(office, "GACC")
    with pytest.raises(BadValue, match=r"message\.epoch"):
        post(office, "GACC", found["message"], safe, signed(found, 0, 1))


@pytest.mark.parametrize("method", ["eth_sendRawTransaction", "eth_getTransactionReceipt"])
@pytest.mark.parametrize("arrives", [True, False])
def test_killed_while_posting_it_is_recorded_once(waits, method, arrives):
    office, safe = waits
    found = shown(office)
    node = FaultyNode(office.node, method, lambda _: True, arrives=arrives, error=Crash)
    killed = dataclasses.replace(office, node=node, contracts=Contracts(node, office.deployment))
    with pytest.raises(Crash):
        post(killed, "GACC", found["message"], safe, signed(found, 0, 1))
    there = arrives or method == "eth_getTransactionReceipt"
    assert count(office) == (3 if there else 1)
    done = post(office, "GACC", found["message"], safe, signed(found, 0, 1))
    assert done["already"] == there
    assert (count(office), waiting_now(office), office.sender.drain()) == (3, {}, 0)
    assert post(office, "GACC", found["message"], safe, signed(found, 0, 1))["already"]
    assert audit(office).deviations == ()


def test_what_waits_is_shown_in_batches_and_needs_no_wallet_when_four_eyes_end(waits, tmp_path):
    office, safe = waits
    first = shown(office, size=1)
    assert len(first["records"]) == 1
    post(office, "GACC", first["message"], safe, signed(first, 0, 1))
    second = shown(office, size=1)
    assert (second["first"], len(second["records"])) == ("GACC-3", 1)
    set_four_eyes(office, "GACC", False)
    with pytest.raises(NotFound, match="four eyes are off"):
        shown(office)
    assert count(office) == 3, "the office's own key signed what had waited"


def test_without_a_wallet_that_may_write_the_row_is_refused(office, tmp_path):
    serious = record_line("R1")
    set_four_eyes(office, "GACC", True)
    assert imported(office, tmp_path, serious).rejected == 1
    with pytest.raises(BadValue, match="GACC has none that is valid now"):
        shown(office)
    officers = [Account.from_key(each).address for each in OFFICERS]
    safe = new_safe(office.node, office.keystore, officers, 2)
    set_key(office, "GACC", safe, None, NO_END)
    done = imported(office, tmp_path, serious)
    assert (done.recorded, done.rejected, waiting_now(office)) == (1, 0, {"GACC": 1})
    declare_compromised(office, "GACC", safe, int(time.time()))
    done = imported(office, tmp_path, record_line("R2"))
    assert done.shown[0].errors[0].reason.startswith("four eyes are on for GACC, and none of its keys")


def test_a_link_waits_and_the_name_is_not_linked_twice_meanwhile(office, tmp_path):
    imported(office, tmp_path, record_line("N1", party=NAME, type="FR01"), code="US-CPSC")
    samr = office.authorities["SAMR"]
    safe = governed(office, "SAMR")
    assert link(office, samr, NAME, ALPHA, "why")["record"] is None
    assert waiting_now(office) == {"SAMR": 2}
    with pytest.raises(Conflict, match="waits already"):
        link(office, samr, NAME, BETA, "why")
    found = shown(office, "SAMR")
    assert [each["refers_to"] for each in found["records"]] == [f"uscc:{ALPHA}", NAME]
    with pytest.raises(Conflict, match="waits already"):
        link(office, samr, NAME, BETA, "why")
    post(office, "SAMR", found["message"], safe, signed(found, 0, 1))
    with pytest.raises(Conflict, match="already linked"):
        link(office, samr, NAME, BETA, "why")
    assert unlink(office, samr, NAME, "why")["record"] is None
    assert audit(office).deviations == ()
