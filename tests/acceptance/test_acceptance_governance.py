"""The governor's and an enterprise's verbs, by the command alone, where what is done must be announced."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any

import pytest
from installation import write_records

if TYPE_CHECKING:
    from pathlib import Path

    from installation import Installation

#: Seconds between announcing and doing.
DELAY = 4
PARTY = "9144030071526726XG"
CHINA = dt.timezone(dt.timedelta(hours=8))
YESTERDAY = (dt.datetime.now(CHINA).date() - dt.timedelta(days=1)).isoformat()


@pytest.fixture(scope="module")
def governed(installation: Installation) -> Installation:
    installation.settings["CREDIT_LEDGER_GOVERNANCE_DELAY"] = str(DELAY)
    return installation


def imported(governed: Installation, path: Path, code: int, **fields: str) -> Any:
    row = {"party": PARTY, "type": "CU04", "decided_on": YESTERDAY, **fields}
    file = write_records(path / f"{fields['reference']}.csv", [row])
    return governed.run("import", file, "--format", "records", "--authority", "GACC", code=code)


def gacc(governed: Installation) -> dict[str, Any]:
    return next(each for each in governed.json("authority", "list")["authorities"] if each["code"] == "GACC")


def done(governed: Installation, *act: str) -> dict[str, Any]:
    """Announce an act, wait until it is due, and do it by the same command once more."""
    announced = governed.json("authority", *act)
    assert not announced["done"]
    assert announced["operation"] in [
        each["operation"] for each in governed.json("authority", "pending")["pending"]
    ]
    due = dt.datetime.fromisoformat(announced["due"]).timestamp()
    time.sleep(max(due - time.time() + 1, 0))
    found = governed.json("authority", *act)
    assert found["done"]
    return found


def test_four_eyes_name_the_row_that_one_officer_may_not_record(
    governed: Installation, tmp_path: Path
) -> None:
    imported(governed, tmp_path, 0, reference="GZ-1")
    done(governed, "four-eyes", "gacc", "on")
    assert gacc(governed)["four_eyes"]
    refused = imported(governed, tmp_path, 3, reference="GZ-2", type="CU01")
    assert "row 2: type: 'CU01': four eyes are on for GACC" in refused.stderr
    imported(governed, tmp_path, 0, reference="GZ-3")


def test_an_announcement_is_printed_with_its_time_and_may_be_cancelled(governed: Installation) -> None:
    text = governed.run("authority", "suspend", "STA").stdout
    assert text.startswith("announced: STA: suspended\n  can be done from 20")
    operation = text.split()[-1]
    assert "taken back: setSuspended" in governed.run("authority", "cancel", operation).stdout
    assert governed.run("authority", "pending").stdout == "nothing waits\n"
    gone = governed.run("authority", "execute", operation, code=1)
    assert "done, taken back, lapsed, or never announced" in gone.stderr


def test_an_enterprise_objects_by_its_own_key(governed: Installation, tmp_path: Path) -> None:
    word = tmp_path / "word"
    word.write_text("an enterprise's passphrase\n")
    own = ("--key-file", tmp_path / "key.json", "--passphrase-file", word)
    address = governed.run("objection", "new-key", own[1], *own[2:]).stdout.strip()
    early = governed.run("objection", "open", "GACC-1", "--statement", "no", *own, code=1)
    assert f"objection key uscc:{PARTY} {address}" in early.stderr
    governed.run("objection", "key", PARTY, address)
    refused = governed.run("objection", "open", "GACC-1", "--statement", "no", code=1)
    assert "has a key of its own" in refused.stderr
    assert "--key-file" in refused.stderr
    unasked = governed.run("objection", "open", "GACC-1", "--statement", "no", *own[:2], code=1)
    assert "give a file" in unasked.stderr
    opened = governed.json("objection", "open", "GACC-1", "--statement", "It was declared. 已申报。", *own)
    assert (opened["by"], opened["outcome"]) == (address, "open")
    listed = governed.json("objection", "list", PARTY)
    assert (listed["key"], len(listed["objections"])) == (address, 1)
    answer = ("--outcome", "rejected", "--answer", "It was not.")
    alone = governed.run("objection", "answer", "1", *answer, code=1)
    assert "GACC asks for four eyes: its answers are for its wallet's officers to sign" in alone.stderr
    done(governed, "four-eyes", "GACC", "off")
    assert governed.json("objection", "answer", "1", *answer)["outcome"] == "rejected"


def test_what_a_compromised_key_wrote_is_listed_and_it_writes_no_more(
    governed: Installation, tmp_path: Path
) -> None:
    governed.json("authority", "invalidate", "GACC")
    key = gacc(governed)["keys"][0]["key"]
    done(governed, "compromised", "GACC", key, "--from", YESTERDAY)
    refused = imported(governed, tmp_path, 1, reference="GZ-4")
    assert f"the key {key} of GACC was declared compromised; its records wait" in refused.stderr
    governed.run("checkpoint")
    report = governed.json("audit")
    assert (report["ok"], report["deviations"]) == (True, [])
    written = [each for each in report["review"] if each["what"] == "written by a compromised key"]
    assert [each["where"].partition("record ")[2] for each in written] == ["GACC-1", "GACC-2"]
    assert {each["what"] for each in report["review"]} == {
        "acts of the governor",
        "written by a compromised key",
        "answered by a compromised key",
    }
    again = governed.run("authority", "compromised", "GACC", key, "--from", YESTERDAY, code=1)
    assert "only an earlier time changes that" in again.stderr


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (("compromised", "GACC", "0x12", "--from", YESTERDAY), "not an address"),
        (("compromised", "GACC", "0x" + "ab" * 20, "--from", "2026-05-01T10:00"), "says no zone"),
        (("compromised", "GACC", "0x" + "ab" * 20, "--from", YESTERDAY), "never was a key of GACC"),
        (("mandate", "STA", "--grant", "CU04", "--from", YESTERDAY), "cannot be done before"),
        (("mandate", "NOBODY", "--grant", "CU04", "--from", YESTERDAY), "there are GACC, STA"),
        (("four-eyes", "STA", "perhaps"), "on or off"),
    ],
    ids=lambda each: each if isinstance(each, str) else each[0],
)
def test_what_cannot_be_is_said_in_a_sentence(governed: Installation, act: tuple[str, ...], why: str) -> None:
    assert why in governed.run("authority", *act, code=1).stderr
