"""What the governor does about authorities, at once and with a delay, and what then follows from it."""

from __future__ import annotations

import dataclasses
import time

import pytest
from eth_utils.address import to_checksum_address
from sqlalchemy import select
from workflows_rows import ALPHA, BETA, record_line, records_file

from ledger.bootstrap import Ledger
from ledger.chain.accounts import checked_address
from ledger.chain.deployment import NO_END
from ledger.chain.governance import Governance
from ledger.chain.keystore import Keystore, authority_key
from ledger.domain.calendar import iso_instant, to_instant
from ledger.errors import BadValue, Conflict, Forbidden, NotFound
from ledger.outbox.deeds import deeds
from ledger.settings import Settings
from ledger.store.index import batches
from ledger.workflows.auditing import audit
from ledger.workflows.authorities import authorities_now, members_now
from ledger.workflows.governing import (
    declare_compromised,
    execute,
    invalidate_signatures,
    pending,
    set_four_eyes,
    set_key,
    set_mandate,
    set_role,
    set_suspended,
    take_back,
)
from ledger.workflows.importing import import_file
from ledger.workflows.objecting import answer_objection, open_objection
from ledger.workflows.sending import present, send
from ledger.workflows.wallet_batches import waiting_now

pytest_plugins = ["workflows_office"]

OTHER = to_checksum_address("0x" + "ab" * 20)
#: Seconds of the governance delay where there is one.
DELAY = 4


@pytest.fixture(scope="module")
def delayed(tmp_path_factory):
    """An installation whose governor announces what it does."""
    folder = tmp_path_factory.mktemp("delayed") / "data"
    with Ledger.open(Settings(data_dir=folder, passphrase="test", governance_delay=DELAY)) as ledger:
        ledger.follower.catch_up()
        yield ledger


def imported(office, tmp_path, *references, **fields):
    path = records_file(
        tmp_path / f"{references[0]}.csv", *(record_line(each, party=ALPHA, **fields) for each in references)
    )
    done = import_file(office, path, "records", office.authorities["GACC"])
    office.follower.catch_up()
    return done


def test_a_role_is_granted_and_revoked_through_the_keeper(office):
    done = set_role(office, "assessor", OTHER.lower(), True)
    assert (done["done"], done["what"]) == (True, f"{OTHER}: role ASSESSOR granted")
    assert next(each for each in members_now(office) if OTHER.lower() in each).startswith("ASSESSOR: ")
    report = audit(office)
    assert not report.deviations
    assert [(each.what, each.where.partition(",")[0]) for each in report.review] == [
        ("acts of the governor", "role ASSESSOR")
    ]
    with pytest.raises(Conflict, match="has the role ASSESSOR already"):
        set_role(office, "ASSESSOR", OTHER, True)
    assert set_role(office, "ASSESSOR", OTHER, False)["done"]
    with pytest.raises(Conflict, match="has not the role"):
        set_role(office, "ASSESSOR", OTHER, False)
    with pytest.raises(BadValue, match="there are GOVERNOR, REGISTRAR, ASSESSOR, GUARDIAN"):
        set_role(office, "admin", OTHER, True)


def test_another_governor_is_announced_and_the_guardian_takes_it_back(delayed):
    announced = set_role(delayed, "governor", OTHER, True)
    assert not announced["done"]
    assert take_back(delayed, announced["operation"])["what"].startswith("grant(role=1, account=")
    assert pending(delayed) == []


def pass_until(office, instant):
    """Mine blocks until the chain's time, which takes a second a block, has come so far."""
    while present(office) < instant:
        send(office, office.contracts.checkpoint())


def gacc(office):
    return authorities_now(office)[0]


def test_a_compromised_key_writes_no_more_and_what_it_wrote_is_for_review(office, tmp_path):
    key = office.keystore.address(authority_key("GACC"))
    assert imported(office, tmp_path, "R1").recorded == 1
    since = int(time.time()) - 3600
    done = declare_compromised(office, "GACC", key.lower(), since)
    assert (done["done"], done["operation"]) == (True, None)
    assert done["what"] == f"GACC: key {key} compromised from {iso_instant(since)} on"
    with pytest.raises(Forbidden, match=f"{key} of GACC was declared compromised"):
        imported(office, tmp_path, "R2")
    report = audit(office)
    assert not report.deviations
    written, act = report.review
    assert (written.what, written.where.rpartition(" ")[2]) == ("written by a compromised key", "GACC-1")
    assert f"key {key.lower()} declared compromised from {iso_instant(since)} on" in act.why
    assert gacc(office)["keys"] == [
        {
            "key": key,
            "valid_from": gacc(office)["keys"][0]["valid_from"],
            "valid_until": iso_instant(NO_END),
            "compromised_from": iso_instant(since),
            "here": True,
        }
    ]
    with pytest.raises(Conflict, match="only an earlier time"):
        declare_compromised(office, "GACC", key, since)
    assert declare_compromised(office, "GACC", key, since - 1)["done"]
    with pytest.raises(Conflict, match="final"):
        set_key(office, "GACC", key, None, NO_END)


def test_four_eyes_refuse_what_one_officer_recorded(office, tmp_path):
    """`CU01` is serious, `CU04` is not: the row is named, and what is not serious is recorded."""
    set_four_eyes(office, "GACC", True)
    lines = (record_line("R1", type="CU04"), record_line("R2", type="CU01"))
    path = records_file(tmp_path / "records.csv", *lines)
    for dry_run in (True, False):
        done = import_file(office, path, "records", office.authorities["GACC"], dry_run=dry_run)
        assert (done.recorded, done.rejected) == (1, 1)
        (row,) = done.shown
        assert row.number == 3
        assert row.errors[0].field == "type"
        assert row.errors[0].reason == (
            "four eyes are on for GACC, and none of its keys is a contract wallet that is valid now: "
            "credit-ledger authority key GACC ADDRESS"
        )
    office.follower.catch_up()
    change = record_line("R3", type="LC02", refers_to="R1")
    path = records_file(tmp_path / "change.csv", change)
    assert import_file(office, path, "records", office.authorities["GACC"]).rejected == 1
    set_four_eyes(office, "GACC", False)
    assert import_file(office, path, "records", office.authorities["GACC"]).recorded == 1
    assert audit(office).deviations == ()


def test_what_was_numbered_before_four_eyes_waits_with_what_comes_after_it(office, tmp_path):
    set_suspended(office, "GACC", True)
    path = records_file(
        tmp_path / "records.csv", record_line("R1", type="CU04"), record_line("R2", party=BETA)
    )
    with pytest.raises(Forbidden, match="suspended"):
        import_file(office, path, "records", office.authorities["GACC"])
    set_four_eyes(office, "GACC", True)
    set_suspended(office, "GACC", False)
    assert office.sender.drain() == 0
    assert waiting_now(office) == {"GACC": 2}
    assert imported(office, tmp_path, "R3", type="CU04").recorded == 1
    assert waiting_now(office) == {"GACC": 3}
    set_four_eyes(office, "GACC", False)
    assert office.sender.drain() == 3


def test_an_office_goes_on_with_a_key_it_made(office, tmp_path):
    first = office.keystore.address(authority_key("GACC"))
    imported(office, tmp_path, "R1")
    made = set_key(office, "GACC", None, None, NO_END)
    second = gacc(office)["keys"][1]
    assert (second["key"] in made["what"], second["here"]) == (True, True)
    imported(office, tmp_path, "R2")
    declare_compromised(office, "GACC", second["key"], int(time.time()))
    imported(office, tmp_path, "R3")
    declare_compromised(office, "GACC", first, int(time.time()))
    with pytest.raises(Forbidden, match=f"{first} of GACC was declared compromised"):
        imported(office, tmp_path, "R4")
    # The key is made by another process while this one has its keystore open.
    elsewhere = Keystore.open_or_create(office.settings.data_dir / "keystore.json", "test")
    other = dataclasses.replace(office, keystore=elsewhere)
    third = set_key(other, "GACC", None, None, NO_END)
    with pytest.raises(Forbidden):
        office.sender.drain()
    assert office.sender.drain() == 1
    office.follower.catch_up()
    with office.db.read_index() as index:
        wrote = list(index.scalars(select(batches.c.key).order_by(batches.c.first_number)))
    assert wrote[:3] == [first.lower(), second["key"].lower(), first.lower()]
    assert checked_address("key", wrote[3]) in third["what"]
    opened = open_objection(office, "GACC-1", "no")
    assert answer_objection(office, opened["objection"], "upheld", "yes")["outcome"] == "upheld"
    assert invalidate_signatures(office, "GACC") == 1
    assert audit(office).deviations == ()


def test_suspended_and_resumed(office, tmp_path):
    assert set_suspended(office, "GACC", True)["done"]
    assert gacc(office)["suspended"]
    with pytest.raises(Forbidden, match="suspended"):
        imported(office, tmp_path, "R1")
    with pytest.raises(Conflict, match="suspended already"):
        set_suspended(office, "GACC", True)
    assert set_suspended(office, "GACC", False)["done"]
    assert imported(office, tmp_path, "R2").recorded == 1


def test_a_mandate_changes_from_a_time_on(office, tmp_path):
    assert "CU01" in gacc(office)["mandate"]
    start = present(office) + 3
    done = set_mandate(office, "GACC", ["TX01"], ["CU01"], start=start)
    assert done["what"] == f"GACC: mandate +TX01 -CU01 from {iso_instant(start)} on"
    assert "CU01" in gacc(office)["mandate"]
    pass_until(office, start)
    assert "CU01" not in gacc(office)["mandate"]
    assert "TX01" in gacc(office)["mandate"]
    assert imported(office, tmp_path, "R1").rejected == 1


def test_a_key_gets_another_window(office):
    key = office.keystore.address(authority_key("GACC"))
    was = gacc(office)["keys"][0]["valid_from"]
    assert set_key(office, "GACC", OTHER, None, NO_END)["done"]
    ended = int(time.time()) + 100
    assert set_key(office, "GACC", key, None, ended)["done"]
    found = {each["key"]: each for each in gacc(office)["keys"]}
    assert (found[key]["valid_from"], found[key]["valid_until"]) == (was, iso_instant(ended))
    assert not found[OTHER]["here"]
    revoked = set_key(office, "GACC", OTHER, None, 86_400)
    assert revoked["what"].endswith("until 1970-01-02T00:00:00Z")
    assert audit(office).deviations == ()


def test_signatures_are_invalidated_by_the_authority_itself(office, tmp_path):
    assert invalidate_signatures(office, "GACC") == 1
    assert invalidate_signatures(office, "GACC") == 2
    assert imported(office, tmp_path, "R1").recorded == 1
    assert audit(office).deviations == ()


def test_what_makes_no_sense(lasting_office):
    office, now = lasting_office, int(time.time())
    key = office.keystore.address(authority_key("GACC"))
    wrong = [
        (lambda: declare_compromised(office, "NOBODY", key, now), "there are GACC"),
        (lambda: declare_compromised(office, "GACC", "0x12", now), "not an address"),
        (lambda: declare_compromised(office, "GACC", key.swapcase().replace("X", "x"), now), "mistyped"),
        (lambda: declare_compromised(office, "GACC", OTHER, now), "never was a key of GACC"),
        (lambda: declare_compromised(office, "GACC", key, now + 7200), "in the future"),
        (lambda: set_key(office, "GACC", "0x" + "00" * 20, None, NO_END), "nobody"),
        (lambda: set_key(office, "GACC", OTHER, now, now - 1), "before the beginning"),
        (lambda: set_mandate(office, "GACC", ["XX01"], [], start=now), "no such type"),
        (lambda: set_mandate(office, "GACC", ["CU01"], [], start=now), "changes nothing"),
        (lambda: set_mandate(office, "GACC", [], ["CU01"], start=now - 9), "not hold"),
        (lambda: execute(office, "0x12"), "at least 6 digits"),
    ]
    for act, why in wrong:
        with pytest.raises(BadValue, match=why):
            act()
    with pytest.raises(NotFound, match="never announced"):
        execute(office, "0x123456")


def test_with_a_delay_an_act_is_announced_then_done(delayed):
    key = delayed.keystore.address(authority_key("GACC"))
    announced = set_four_eyes(delayed, "GACC", True)
    assert not announced["done"]
    assert to_instant(announced["until"]) - to_instant(announced["due"]) == 7 * 86_400
    assert to_instant(announced["due"]) == present(delayed) + DELAY
    assert set_four_eyes(delayed, "GACC", True) == announced
    other = declare_compromised(delayed, "GACC", key, 1_700_000_000)
    waiting = pending(delayed)
    assert [each["operation"] for each in waiting] == [announced["operation"], other["operation"]]
    assert waiting[0]["what"] == "setFourEyes(authority=1, required=True)"
    with pytest.raises(Conflict, match="not due before"):
        execute(delayed, announced["operation"][:10])
    assert not gacc(delayed)["four_eyes"]

    pass_until(delayed, to_instant(other["due"]))
    assert execute(delayed, announced["operation"][:10])["done"]
    assert gacc(delayed)["four_eyes"]
    assert declare_compromised(delayed, "GACC", key, 1_700_000_000)["done"]
    assert gacc(delayed)["keys"][0]["compromised_from"]
    assert pending(delayed) == []
    with pytest.raises(NotFound):
        execute(delayed, announced["operation"])


def test_the_guardian_takes_back_what_was_announced(delayed):
    announced = set_suspended(delayed, "SAMR", True)
    assert take_back(delayed, announced["operation"])["what"] == "setSuspended(authority=4, suspended=True)"
    assert announced["operation"] not in [each["operation"] for each in pending(delayed)]
    assert not set_suspended(delayed, "SAMR", True)["done"], "announced anew, not done"


def test_what_was_announced_and_cancelled_is_known_again(delayed):
    first = int(delayed.node.request("eth_blockNumber"), 16) + 1
    for _ in range(2):
        announced = set_suspended(delayed, "STA", True)
        take_back(delayed, announced["operation"])
    said, cancelled, *again = deeds(
        delayed.contracts, first, int(delayed.node.request("eth_blockNumber"), 16)
    )
    assert "the announcement of setSuspended(authority=2, suspended=True)" in said.said
    assert not said.holds
    assert f"the cancelling of operation {announced['operation']}" in cancelled.said
    assert cancelled.holds
    assert [each.mark for each in again] == [said.mark, cancelled.mark]


def test_what_is_announced_names_its_time(delayed):
    with pytest.raises(BadValue, match="say from when"):
        set_key(delayed, "STA", None, None, NO_END)
    start = present(delayed)
    announced = set_key(delayed, "STA", None, start, NO_END)
    assert set_key(delayed, "STA", None, start, NO_END) == announced, "the same key, not another"


def test_a_mandate_holds_no_earlier_than_it_can_be_done(delayed):
    with pytest.raises(BadValue, match="cannot be done before"):
        set_mandate(delayed, "STA", ["CU01"], [], start=int(time.time()) + 1)


def test_a_key_without_the_role_may_not(office):
    other = Governance(office.contracts, office.keystore.address("operator"))
    with pytest.raises(Forbidden, match="has not the role"):
        other.delay(office.contracts.set_suspended(1, True))
