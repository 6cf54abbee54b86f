"""Four eyes by the command alone: a Safe's officers sign, with key files, what one officer may not record."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from installation import write_records
from safe import new_safe

from ledger.bootstrap import Ledger
from ledger.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from installation import Installation

PARTY = "9144030071526726XG"
CHINA = dt.timezone(dt.timedelta(hours=8))
YESTERDAY = (dt.datetime.now(CHINA).date() - dt.timedelta(days=1)).isoformat()
OFFICERS = "abc"


@pytest.fixture(scope="module")
def folder(installation: Installation) -> Path:
    made = installation.folder.parent / "officers"
    made.mkdir()
    return made


@pytest.fixture(scope="module")
def safe(installation: Installation, folder: Path) -> str:
    """The Safe of three officers, two of whom sign, each with a key file."""
    (folder / "word").write_text("an officer's passphrase\n")
    addresses = [
        installation.run(
            "objection", "new-key", folder / f"{each}.json", "--passphrase-file", folder / "word"
        ).stdout.strip()
        for each in OFFICERS
    ]
    given: dict[str, Any] = {
        name.removeprefix("CREDIT_LEDGER_").lower(): value for name, value in installation.settings.items()
    }
    with Ledger.open(Settings(data_dir=installation.folder, **given)) as ledger:
        return new_safe(ledger.node, ledger.keystore, addresses, 2)


def imported(installation: Installation, folder: Path, *rows: tuple[str, str, str], code: int = 0) -> Any:
    fields = ("reference", "type", "refers_to")
    made = [{"party": PARTY, "decided_on": YESTERDAY, **dict(zip(fields, row, strict=True))} for row in rows]
    file = write_records(folder / "records.csv", made)
    return installation.run("import", file, "--format", "records", "--authority", "GACC", code=code)


def signature(installation: Installation, folder: Path, safe: str, officer: str) -> Path:
    out = folder / f"{officer}.sig"
    key = ("--key-file", folder / f"{officer}.json", "--passphrase-file", folder / "word")
    done = installation.run("batch", "sign", folder / "batch.json", "--wallet", safe, *key, "-o", out)
    assert "signed 2 records of GACC from number 3 on (CU01 走私犯罪 Smuggling crime, LC02" in done.stdout
    return out


def test_without_a_wallet_the_row_is_refused_and_says_what_to_do(
    installation: Installation, folder: Path, safe: str
) -> None:
    imported(installation, folder, ("GZ-1", "CU04", ""))
    installation.run("authority", "four-eyes", "GACC", "on")
    refused = imported(installation, folder, ("GZ-2", "CU01", ""), code=3)
    assert "none of its keys is a contract wallet that is valid now: credit-ledger authority key GACC" in (
        refused.stderr
    )
    installation.run("authority", "key", "GACC", safe)


def test_what_is_serious_or_revokes_waits_and_is_recorded_by_two_officers(
    installation: Installation, folder: Path, safe: str
) -> None:
    done = imported(
        installation, folder, ("GZ-2", "CU01", ""), ("GZ-3", "LC02", "GZ-1"), ("GZ-4", "CU04", "")
    )
    says = "2 records of GACC wait for the signatures of its wallet: credit-ledger batch show GACC"
    assert says in done.stdout
    assert says in installation.run("status").stdout
    file = folder / "batch.json"
    text = installation.run("batch", "show", "gacc", "-o", file).stdout
    for word in (
        "CU01 走私犯罪 Smuggling crime",
        "serious 严重",
        "refers to GACC-1; reference GZ-3",
        PARTY,
        safe,
    ):
        assert word in text
    a, b = (signature(installation, folder, safe, each) for each in "ab")
    post = ("batch", "post", "GACC", file, "--wallet", safe)
    refused = installation.run(*post, "--signature", a, code=1)
    assert "does not stand by this signature; nothing was sent" in refused.stderr
    changed = folder / "changed.json"
    content = json.loads(file.read_text())
    content["message"]["count"] = 3
    changed.write_text(json.dumps(content))
    refused = installation.run(
        "batch", "post", "GACC", changed, "--wallet", safe, "--signature", a, "--signature", b, code=1
    )
    assert "message.count: '3': the batch of GACC that waits has 2 here" in refused.stderr
    done = installation.run(*post, "--signature", b, "--signature", a)
    assert done.stdout == "2 records recorded: GACC-3 to GACC-4\n"
    again = installation.run(*post, "--signature", b, "--signature", a)
    assert again.stdout == "2 records were recorded already: GACC-3 to GACC-4\n"
    assert "wait for" not in installation.run("status").stdout
    installation.run("checkpoint")
    report = installation.json("audit")
    assert (report["ok"], report["checked"]["batches_of_contract_wallets"]) == (True, 1)
    items = installation.json("record", PARTY)["records"]
    assert [(each["record"], each["status"]) for each in items if each["type"] == "CU04"] == [
        ("GACC-1", "revoked"),
        ("GACC-2", "in force"),
    ]


def test_an_objection_is_answered_by_two_officers(
    installation: Installation, folder: Path, safe: str
) -> None:
    installation.run("objection", "open", "GACC-3", "--statement", "It was declared. 已申报。")
    answer = ("1", "--outcome", "rejected", "--answer", "It was not. 未申报。")
    file = folder / "answer.json"
    text = installation.run("objection", "show", *answer, "-o", file).stdout
    for word in ("objection 1 to GACC-3: rejected", "It was declared.", "It was not. 未申报。", safe):
        assert word in text
    signatures = []
    for each in "ab":
        out = folder / f"answer-{each}.sig"
        key = ("--key-file", folder / f"{each}.json", "--passphrase-file", folder / "word")
        done = installation.run("objection", "sign", file, "--wallet", safe, *key, "-o", out)
        assert "signed the answer to objection 1 of enterprise 1 to GACC-3: rejected, text 0x" in done.stdout
        signatures += ["--signature", out]
    post = ("objection", "post", file, "--wallet", safe)
    refused = installation.run(*post, *signatures[:2], code=1)
    assert "does not stand by this signature; nothing was sent" in refused.stderr
    assert "objection 1 is answered\n" in installation.run(*post, *signatures).stdout
    assert "objection 1 was answered so already\n" in installation.run(*post, *signatures).stdout


def test_what_cannot_be_is_said_in_a_sentence(installation: Installation, folder: Path, safe: str) -> None:
    (folder / "none.sig").write_text("hello")
    post = ("batch", "post", "GACC", folder / "batch.json", "--wallet", safe, "--signature")
    for act, why in (
        (("batch", "show", "GACC"), "nothing of GACC waits"),
        (("batch", "show", "STA"), "four eyes are off for STA"),
        (("batch", "show", "GACC", "--valid-for", "soon"), "a number and s, m, h or d"),
        ((*post, folder / "none.sig"), "not a signature in hexadecimal digits"),
        ((*post, folder / "gone.sig"), "No such file"),
    ):
        assert why in installation.run(*act, code=1).stderr
