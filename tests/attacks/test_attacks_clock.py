"""A clock that is wrong, a vault that is older than the chain, numbers that somebody else used: nothing stops for good.

The verbs run as an operator runs them, some of them by another clock.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import sqlite3
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "acceptance"))

from installation import Installation, write_records
from killed import killed_at, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator

FAKE = Path(__file__).parent.parent / "fake_clock"
DAY = 86_400
FIRM = "9144030071526726XG"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with contracts, to be copied."""
    made = Installation(tmp_path_factory.mktemp("deployed") / "data")
    made.run("start", "--once")
    return made.folder


@pytest.fixture
def place(deployed: Path, tmp_path: Path) -> Installation:
    """An installation of its own."""
    shutil.copytree(deployed, tmp_path / "data")
    return Installation(tmp_path / "data")


@contextlib.contextmanager
def clock_off(place: Installation, seconds: float) -> Iterator[None]:
    """Let the verbs of an installation see a clock that is this far off."""
    before = dict(place.settings)
    place.settings["FAKE_OFFSET"] = str(seconds)
    try:
        yield
    finally:
        place.settings = before


def record(place: Installation, reference: str, code: int = 0, authority: str = "GACC", **row: str) -> Any:
    """Import one record; return the finished process."""
    kind = {"GACC": "CU04", "STA": "TX01"}[authority]
    usual = {"party": FIRM, "type": kind, "decided_on": "2026-05-04", "reference": reference}
    path = write_records(place.folder.parent / f"{reference}.csv", [usual | row])
    return place.run("import", path, "--format", "records", "--authority", authority, code=code)


def outbox(place: Installation) -> dict[str, int]:
    """How many records are how far."""
    found = place.json("status")["outbox"]
    return {name: found[name] for name in ("queued", "sealed", "recorded")}


# ---------------------------------------------------------------------- the clock


@pytest.mark.parametrize("days", [36, 400, 3650])
def test_no_block_is_made_by_a_clock_far_ahead(place: Installation, days: int) -> None:
    with clock_off(place, days * DAY):
        refused = record(place, "K1", code=1)
        assert f"{days} days after the chain's last block" in refused.stderr
        assert "--clock-is-right" in refused.stderr
        found = place.json("status")
        assert "days after the chain's last block" in found["clock"]
        unmade = place.json("audit", code=4)["not_checked"]
        assert any("days after the chain's last block" in each["why"] for each in unmade)
        assert (found["outbox"]["queued"], found["index"]["records"]) == (1, 0)
    record(place, "K2")  # the clock is right again: what waited goes along
    assert place.json("status")["index"]["records"] == 2
    opened = place.json("objection", "open", "GACC-2", "--statement", "paid in time")
    assert opened["opened_on"] == place.json("status")["today"]


def test_a_clock_ahead_by_less_than_an_office_rests_is_believed(place: Installation) -> None:
    with clock_off(place, 34 * DAY):
        record(place, "K1")
        assert place.json("status")["clock"] == "agrees with the chain"
    refused = record(place, "K2", code=1)
    assert "no block is made before the last" in refused.stderr
    assert "repair --take-back" in refused.stderr


def test_a_span_can_be_set(place: Installation) -> None:
    place.settings["CREDIT_LEDGER_CLOCK_SPAN_DAYS"] = "3"
    with clock_off(place, 4 * DAY):
        assert "4 days after" in record(place, "K1", code=1).stderr
    place.settings["CREDIT_LEDGER_CLOCK_SPAN_DAYS"] = "0"
    assert "CLOCK_SPAN_DAYS" in place.run("status", code=1).stderr


def test_a_clock_that_jumps_back_makes_no_block(place: Installation) -> None:
    with clock_off(place, -110):
        record(place, "K1")  # what a time server corrects
    with clock_off(place, -3600):
        assert "no block is made before the last" in record(place, "K2", code=1).stderr
        assert place.json("score", FIRM)["score"] == 96  # reading goes on
    record(place, "K3")
    assert outbox(place) == {"queued": 0, "sealed": 0, "recorded": 3}


def test_that_the_clock_is_right_is_said_once(place: Installation) -> None:
    with clock_off(place, 50 * DAY):
        record(place, "K1", code=1)
        place.run("--clock-is-right", "status")
        record(place, "K2")
    with clock_off(place, 90 * DAY):
        record(place, "K3", code=1)  # 40 days later somebody must look again
        place.run("start", "--once", "--clock-is-right")
        assert place.json("status")["index"]["records"] == 3


def test_what_was_said_under_a_wrong_clock_counts_for_nothing(place: Installation) -> None:
    with clock_off(place, 3650 * DAY):
        place.run("--clock-is-right", "status")
    with clock_off(place, 400 * DAY):
        assert "400 days after" in record(place, "K1", code=1).stderr


def test_a_clock_that_jumps_while_serving(place: Installation) -> None:
    offset = place.folder.parent / "offset"
    offset.write_text("0")
    token = place.json("key", "create", "--scope", "authority:GACC")["token"]
    place.settings |= {"PYTHONPATH": str(FAKE), "FAKE_OFFSET_FILE": str(offset)}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = place.start(port)
    del place.settings["PYTHONPATH"]  # the other verbs see the same clock without
    base = f"http://127.0.0.1:{port}"

    def jump_to(seconds: int) -> None:
        following = offset.with_name("following")
        following.write_text(str(seconds))
        following.rename(offset)  # at once: nobody reads half of it

    def ready() -> str:
        try:
            with urlopen(base + "/readyz", timeout=10) as answer:
                return answer.read().decode()
        except OSError as error:
            return error.read().decode()  # type: ignore[attr-defined]

    def post(reference: str) -> None:
        row = {"party": FIRM, "type": "CU04", "decided_on": "2026-05-04", "reference": reference}
        body = json.dumps({"records": [row]}).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        with urlopen(Request(base + "/v1/records", body, headers), timeout=30) as answer:
            assert answer.status == 202

    def recorded(many: int, patience: float = 30) -> bool:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if place.json("status")["index"]["records"] == many:
                return True
        return False

    try:
        post("A1")
        assert recorded(1)
        for jump, says in ((400 * DAY, "400 days after"), (-7200, "no block is made before")):
            jump_to(jump)
            post(f"B{jump}")  # taken, and kept waiting
            assert says in ready()
            assert place.json("score", FIRM, "--as-of", "2026-06-01")["score"] == 92
            assert not recorded(2, patience=3)
        jump_to(0)
        assert recorded(3)
        assert '"clock":"agrees with the chain"' in ready()
    finally:
        process.terminate()
        process.communicate(timeout=60)


# ---------------------------------------------------------------------- what is signed by it


def signed_at(place: Installation) -> list[int]:
    """The times at which the kept checkpoints say that they were signed, ascending."""
    return sorted(int(each.stem.split("-")[1]) for each in (place.folder / "checkpoints").glob("*"))


@pytest.mark.parametrize(
    "years", [10, 1268]
)  # the second beyond the calendar, where nothing could be read again
def test_nothing_is_signed_by_a_clock_far_ahead(place: Installation, years: int) -> None:
    record(place, "K1")
    with clock_off(place, years * 365 * DAY):
        for verb in (
            ("checkpoint",),
            ("assess",),
            ("prove", FIRM, "-o", str(place.folder.parent / "e.json")),
        ):
            assert f"{years * 365} days after the chain's last block" in place.run(*verb, code=1).stderr
    assert not (place.folder / "checkpoints").exists()
    assert not (place.folder.parent / "e.json").exists()
    place.run("assess")
    (time_of_signing,) = signed_at(place)
    assert abs(time_of_signing - time.time()) < 60


def test_a_way_out_after_a_checkpoint_of_a_time_to_come(place: Installation) -> None:
    record(place, "K1")
    place.run("checkpoint")
    with clock_off(place, 34 * DAY):  # no more than an office rests, and no block is made by it
        wrong = Path(place.json("checkpoint")["file"])
    record(place, "K2")  # the chain goes on
    for verb in ("checkpoint", "assess"):
        says = place.run(verb, code=1).stderr
        assert "nothing is signed before it" in says
        assert f"{wrong}, says that it was signed at" in says
    assert place.json("status")["index"]["assessments"] == 0  # nothing is published that would be half done
    wrong.unlink()  # nobody was given it
    place.run("assess")
    assert [abs(each - time.time()) < 60 for each in signed_at(place)] == [True, True]
    assert place.json("audit")["verdict"] == "holds"


def test_a_checkpoint_that_cannot_be_read_stops_before_anything_is_published(place: Installation) -> None:
    record(place, "K1")
    kept = Path(place.json("checkpoint")["file"])
    line = f"time {kept.stem.split('-')[1].lstrip('0')}"
    later = kept.with_name("999999999999-9999999999.checkpoint")  # as an earlier version would have kept it
    later.write_text(kept.read_text().replace(f"\n{line}\n", "\ntime 41811122301\n"))
    says = place.run("assess", code=1).stderr
    assert f"{later}: the checkpoint is of a time beyond the calendar. Put it back from a backup" in says
    assert place.json("status")["index"]["assessments"] == 0
    later.unlink()
    assert place.json("assess")["epoch"] == 1


# ---------------------------------------------------------------------- taking blocks back


def take_back(place: Installation, *options: str, code: int = 0) -> Any:
    done = place.run("repair", "--take-back", *options, "--json", code=code)
    return json.loads(done.stdout) if code == 0 else done.stderr


def wrongly_ahead(place: Installation, days: int = 34) -> None:
    """Record, object and assess nothing: two records and an objection under a clock that is ahead."""
    record(place, "K0")
    with clock_off(place, days * DAY):
        record(place, "K1")
        record(place, "K2", party="91440606722473344C")
        place.run("objection", "open", "GACC-2", "--statement", "paid in time")


def test_blocks_of_a_wrong_clock_are_taken_back_and_sent_again(place: Installation) -> None:
    wrongly_ahead(place)
    before = place.json("record", FIRM)["records"]
    assert [each["record"] for each in before] == ["GACC-1", "GACC-2"]
    done = take_back(place)
    taken = done["taken_back"]
    assert (taken["records"], taken["registrations"], taken["assessments"], taken["acts"]) == (2, 1, 0, [])
    (again,) = taken["again"]
    assert again.startswith("[1] objection 1, to record 2 of authority 1")
    assert done["recorded"] == 2
    assert len(json.loads(Path(taken["file"]).read_text())["blocks"]) == taken["blocks"]
    after = place.json("record", FIRM)["records"]
    assert [(each["record"], each["reference"]) for each in after] == [("GACC-1", "K0"), ("GACC-2", "K1")]
    status = place.json("status")
    assert status["clock"] == "agrees with the chain"
    assert outbox(place) == {"queued": 0, "sealed": 0, "recorded": 3}
    assert place.json("score", FIRM, "--known-on", status["today"])[
        "reasons"
    ]  # known today, as it was posted today
    opened = place.json("objection", "open", "GACC-2", "--statement", "paid in time")
    assert (opened["objection"], opened["opened_on"]) == (1, status["today"])
    assert place.json("assess")["as_of"] == status["today"]
    assert place.json("audit", code=None)["deviations"] == []
    assert "nothing" in place.run("repair", "--take-back").stdout  # a second time there is nothing to do


def test_a_checkpoint_given_out_keeps_its_blocks(place: Installation) -> None:
    wrongly_ahead(place)
    with clock_off(place, 34 * DAY):
        place.run("checkpoint")
    says = take_back(place, code=1)
    assert "was signed and kept" in says
    assert "another history" in says
    assert place.json("status")["index"]["records"] == 3
    assert "no block is made before the last" in record(place, "K3", code=1).stderr


def test_a_checkpoint_over_earlier_blocks_keeps_nothing(place: Installation) -> None:
    record(place, "A0")
    place.run("checkpoint")
    wrongly_ahead(place)
    assert take_back(place)["taken_back"]["records"] == 2
    place.run("checkpoint")  # and what was signed before is still the beginning


def acts_ahead(place: Installation, *more: tuple[str, ...]) -> None:
    """Under a clock that is ahead: a record each of GACC and STA, STA suspended, an objection to GACC-1."""
    record(place, "K0")
    with clock_off(place, 34 * DAY):
        record(place, "K1")
        record(place, "S1", authority="STA")
        place.run("authority", "suspend", "STA")
        place.run("objection", "open", "GACC-1", "--statement", "paid in time")
        for each in more:
            place.run(*each)


def references(place: Installation) -> list[str]:
    return [each["reference"] for each in place.json("record", FIRM)["records"]]


def suspended(place: Installation) -> bool:
    (found,) = [each for each in place.json("authority", "list")["authorities"] if each["code"] == "STA"]
    return bool(found["suspended"])


def test_acts_of_the_governor_are_not_undone_in_passing(place: Installation) -> None:
    acts_ahead(place)
    says = take_back(place, code=1)
    assert "SuspensionSet" in says
    assert "--acts-too" in says
    done = take_back(place, "--acts-too")
    assert done["recorded"] == 1  # GACC's; those of STA wait, whoever asks
    assert "records of STA wait for what was taken back: SuspensionSet" in done["problem"]
    assert "SuspensionSet" in record(place, "S2", authority="STA", code=1).stderr
    assert references(place) == ["K0", "K1"]
    (act,), (call,) = done["taken_back"]["acts"], done["taken_back"]["again"]
    kept = json.loads(Path(done["taken_back"]["file"]).read_text())
    assert (act[4:], call[4:]) == (kept["acts"][0], kept["again"][0])
    for found in (done, place.json("status"), place.json("repair")):
        assert found["undone"] == [act, call]
    assert act in place.run("repair").stdout
    unmade = place.json("audit", code=4)["not_checked"]
    assert [each["where"] for each in unmade if each["what"] == "what was taken back"] == [act, call]
    assert "nothing is assessed without what was taken back" in place.run("assess", code=1).stderr

    place.run("objection", "open", "GACC-1", "--statement", "paid in time, I say")
    assert place.json("status")["undone"] == [act]
    assert "--reason" not in place.run("authority", "suspend", "STA").stdout
    assert place.json("status")["undone"] == []
    assert place.json("repair")["recorded"] == 0
    assert references(place) == ["K0", "K1"]  # STA is suspended, as it was
    place.run("authority", "resume", "STA")
    assert place.json("repair")["recorded"] == 2
    assert place.json("assess")["epoch"] == 1
    assert place.json("audit")["verdict"] == "holds"


def test_what_was_taken_back_is_given_up_with_a_reason(place: Installation) -> None:
    acts_ahead(place)
    act = take_back(place, "--acts-too")["taken_back"]["acts"][0]
    number = act[1 : act.index("]")]
    assert "is needed to give something up" in place.run("repair", "--give-up", number, code=1).stderr
    says = place.run("repair", "--give-up", "999", "--reason", "none", code=1).stderr
    assert "nothing that is to be done again has this number" in says
    done = place.json("repair", "--give-up", number, "--reason", "it was the wrong authority")
    assert done["recorded"] == 1
    assert not suspended(place)
    review = [
        each for each in place.json("audit", code=None)["review"] if each["what"].startswith("given up")
    ]
    assert [(each["where"], each["why"]) for each in review] == [(act[4:], "it was the wrong authority")]


def test_what_concerns_all_holds_all(place: Installation) -> None:
    record(place, "K0")
    with clock_off(place, 34 * DAY):
        place.run("authority", "role", "grant", "guardian", "0x" + "17" * 20)
        record(place, "K1")
    done = take_back(place, "--acts-too")
    assert (done["recorded"], "RoleGranted" in done["problem"]) == (0, True)
    place.run("authority", "role", "grant", "guardian", "0x" + "17" * 20)
    assert place.json("repair")["recorded"] == 1


def test_a_taking_back_killed_anywhere_is_taken_up_by_the_next(place: Installation, tmp_path: Path) -> None:
    from ledger.bootstrap import Ledger
    from ledger.settings import Settings
    from ledger.workflows.taking_back import take_back as run

    acts_ahead(place)
    body = "taking_back.py:take_back"

    def taking(folder: Path) -> Any:
        def work() -> None:
            with Ledger.open(Settings(data_dir=folder)) as ledger:
                run(ledger, acts_too=True)

        return work

    def places(name: str) -> list[int]:
        return lines_of(taking(shutil.copytree(place.folder, tmp_path / name)), body)

    height = place.json("status")["chain"]["block"]
    for number in places("before"):  # again and again, as long as the blocks are there
        killed_at(number, taking(place.folder), body)
        if (left := open_rows(place)) and place.json("status")["chain"]["block"] < height:
            break
    assert left == ["SuspensionSet", "objection", "taking"]
    assert (
        "did not get to the end: `credit-ledger repair --take-back` once more"
        in record(place, "N1", code=1).stderr
    )
    resumed = places("after")
    for number in resumed:  # and again, as long as it is not finished
        ended = killed_at(number, taking(place.folder), body)
        assert open_rows(place)[:2] == left[:2]
    assert ended
    assert len(resumed) > 8
    done = take_back(place)
    assert [each.partition("] ")[2][:13] for each in done["undone"]] == ["SuspensionSet", "objection 1, "]
    assert references(place) == ["K0", "K1", "N1"]
    assert not suspended(place)


def open_rows(place: Installation) -> list[str]:
    """The first words of what is to be done again, as the vault has it."""
    with contextlib.closing(sqlite3.connect(place.folder / "vault.db")) as vault:
        chosen = "SELECT said FROM taken_back WHERE done_block IS NULL AND given_up IS NULL ORDER BY id"
        return [said.split()[0] for (said,) in vault.execute(chosen)]


def test_a_set_up_under_a_wrong_clock_cannot_be_taken_back(tmp_path: Path) -> None:
    place = Installation(tmp_path / "data")
    with clock_off(place, 20 * DAY):
        place.run("start", "--once")
    assert "set up while the clock was wrong" in take_back(place, code=1)


def test_records_of_days_to_come_wait_and_stop_nobody(place: Installation) -> None:
    with clock_off(place, 34 * DAY):
        day = place.json("status")["today"]
        record(place, "F1", decided_on=day)
        record(place, "F2")
    taken = take_back(place)["taken_back"]
    assert (taken["records"], taken["waiting"]) == (2, 2)
    record(place, "F3")
    status = place.json("status")
    assert (status["outbox"]["queued"], status["index"]["records"]) == (1, 2)
    with clock_off(place, 34 * DAY):
        place.run("start", "--once")
        assert place.json("status")["index"]["records"] == 3


def test_a_clock_that_is_wrong_now_takes_nothing_back_unasked(place: Installation) -> None:
    with clock_off(place, 10 * DAY):
        record(place, "K1")
    with clock_off(place, 12 * DAY):
        record(place, "K2")
    says = take_back(place, code=1)  # were ten days right, and is it now that is wrong?
    assert "give --clock-is-right too" in says
    assert place.json("status")["index"]["records"] == 2
    assert take_back(place, "--clock-is-right")["taken_back"]["records"] == 2


# ---------------------------------------------------------------------- what the chain has and the vault does not


def stray(place: Installation, many: int = 1) -> None:
    """Number firms by the registrar's key, past this vault."""
    from ledger.bootstrap import Ledger
    from ledger.chain.submitter import Submitter
    from ledger.settings import Settings

    with Ledger.open(Settings(data_dir=place.folder)) as ledger:
        for _ in range(many):
            first = ledger.contracts.enterprise_count() + 1
            call = ledger.contracts.register(first, [bytes([first]) * 32])
            Submitter(ledger.node, ledger.keystore, "operator").execute(call, 200_000)


def test_a_stray_registration_stops_nobody_and_is_taken_up(place: Installation) -> None:
    record(place, "K0")
    stray(place, 2)
    done = record(place, "K1", party="91440606722473344C", code=1)
    assert "credit-ledger repair" in done.stderr
    record(place, "S1", authority="STA", code=1)  # it is said to everybody, and stops nobody:
    assert [each["reference"] for each in place.json("record", FIRM)["records"]] == ["K0", "S1"]
    found = place.json("repair")
    assert (found["enterprises"], found["renumbered"], found["problem"]) == (2, 1, None)
    assert found["not_held"] == ["identity not held: enterprises 2 to 3"]
    assert place.json("record", "91440606722473344C")["enterprise"] == 4
    assert outbox(place) == {"queued": 0, "sealed": 0, "recorded": 3}
    assert place.json("repair")["enterprises"] == 0


def test_two_strays_and_the_same_firm_under_its_own_number(place: Installation) -> None:
    record(place, "K0")
    stray(place)
    record(place, "K1", party="91440606722473344C", code=1)
    stray(place)
    found = place.json("repair")
    assert found["not_held"] == ["identity not held: enterprises 2 to 3"]
    record(place, "K2", party="91440606722473344C")
    assert len(place.json("record", "91440606722473344C")["records"]) == 2
    report = place.json("audit", code=4)
    assert report["deviations"] == []
    lines = {each["what"]: each["where"] for each in report["not_checked"]}
    assert lines["identity not held"] == "enterprises 2 to 3"


def older_vault(place: Installation) -> Path:
    """Copy the vault as it is now."""
    place.run("backup", place.folder.parent / "old")
    return place.folder.parent / "old" / "vault.db"


def put_back(place: Installation, vault: Path) -> None:
    for each in place.folder.glob("vault.db*"):
        each.unlink()
    shutil.copy(vault, place.folder / "vault.db")


def test_a_vault_from_before_several_imports(place: Installation) -> None:
    record(place, "K0")
    old = older_vault(place)
    record(place, "K1")
    record(place, "K2", party="91440606722473344C")
    record(place, "S1", authority="STA")
    put_back(place, old)
    stopped = record(place, "K3", code=1)
    assert "credit-ledger repair" in stopped.stderr
    found = place.json("repair")
    assert (found["enterprises"], found["records"], found["problem"]) == (1, 3, None)
    assert found["not_held"] == [
        "identity not held: enterprise 2",
        "document not held: GACC-2 to GACC-3",
        "document not held: STA-1",
    ]
    shown = place.json("record", "enterprise:2")
    assert shown["name"] == "identity not held"
    assert [(each["record"], each["held"]) for each in shown["records"]] == [("GACC-3", "not held")]
    assert place.json("score", "enterprise:2")["reasons"][0]["record"] == "GACC-3"
    evidence = place.folder.parent / "evidence.json"
    place.run("prove", "enterprise:2", "-o", evidence)
    (verified,) = place.json("verify", evidence, code=None)["subjects"]
    assert [each["record"] for each in verified["records"]] == ["1-3"]
    report = place.json("audit", code=4)
    assert report["deviations"] == []
    lines = [each["where"] for each in report["not_checked"] if each["what"].endswith("not held")]
    assert lines == ["enterprise 2", "GACC-2 to GACC-3", "STA-1"]
    status = place.json("status")["outbox"]
    assert (status["queued"], status["sealed"]) == (0, 0)
    record(place, "K4", party="91440606722473344C")  # the same firm, under a number of its own
    record(place, "S2", authority="STA")
    assert place.json("record", FIRM)["records"][-1]["reference"] == "S2"


def test_a_vault_from_before_its_rows_were_numbered(place: Installation) -> None:
    with clock_off(place, 40 * DAY):
        record(place, "K1", code=1)  # accepted, and kept waiting
    old = older_vault(place)
    record(place, "K2")
    put_back(place, old)
    found = place.json("repair")
    assert (found["recognised"], found["records"]) == (1, 1)
    (first, second) = place.json("record", FIRM)["records"]
    assert (first["reference"], first["held"]) == ("K1", "opened")
    assert second["reference"] is None


def test_a_batch_posted_from_elsewhere(place: Installation) -> None:
    record(place, "K0")
    other = Installation(place.folder.parent / "other")
    shutil.copytree(place.folder, other.folder)
    record(other, "E1")  # another office with the same keys, on a chain that is then this one's
    with clock_off(place, 40 * DAY):
        record(place, "K1", code=1)
        record(place, "K2", party="91440606722473344C", code=1)
    for name in ("chain.db", "chain.db-wal", "chain.db-shm"):
        (place.folder / name).unlink(missing_ok=True)
    shutil.copy(other.folder / "chain.db", place.folder / "chain.db")
    record(place, "S1", authority="STA")
    assert place.json("record", FIRM)["records"][-1]["reference"] == "S1"  # GACC's trouble is its own
    found = place.json("repair")
    assert found["not_held"] == ["document not held: GACC-2"]
    by_reference = {each["reference"]: each["record"] for each in place.json("record", FIRM)["records"]}
    assert by_reference == {"K0": "GACC-1", None: "GACC-2", "K1": "GACC-3", "S1": "STA-1"}
    assert place.json("status")["outbox"]["queued"] == 0


def test_a_vault_from_before_an_answer(place: Installation) -> None:
    record(place, "K0")
    place.run("objection", "open", "GACC-1", "--statement", "paid in time")
    old = older_vault(place)
    place.run("objection", "answer", "1", "--outcome", "rejected", "--answer", "not in time")
    place.run("assess")
    put_back(place, old)
    assert place.json("repair")["not_held"] == []
    (found,) = place.json("objection", "list", FIRM)["objections"]
    assert (found["outcome"], found["statement"], found["answer"]) == ("rejected", "paid in time", None)
    record(place, "K1")
    assert place.json("assess")["epoch"] == 2
    assert place.json("audit", code=None)["deviations"] == []


def test_a_chain_older_than_its_vault(place: Installation) -> None:
    record(place, "K0")
    place.run("backup", place.folder.parent / "old")
    record(place, "K1")
    record(place, "K2", party="91440606722473344C")
    place.json("assess")
    for name in ("chain.db", "chain.db-wal", "chain.db-shm", "index.db"):
        (place.folder / name).unlink(missing_ok=True)
    shutil.copy(place.folder.parent / "old" / "chain.db", place.folder / "chain.db")
    found = place.json("repair")
    assert (found["not_held"], found["recorded"], found["assessments"]) == ([], 2, 1)
    records = place.json("record", FIRM)["records"]
    assert [(each["record"], each["reference"]) for each in records] == [("GACC-1", "K0"), ("GACC-2", "K1")]
