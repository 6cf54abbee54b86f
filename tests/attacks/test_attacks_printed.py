"""What others wrote, on the operator's and the officers' screens: no text ends its line, moves the cursor or makes a line."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
sys.path.insert(0, str(Path(__file__).parents[1] / "acceptance"))

from evidence_reader import forged
from installation import Installation
from workflows_office import opened_copy
from workflows_rows import ALPHA, record_line, records_file

from ledger.audit.plain import block
from ledger.chain.deployment import NO_END
from ledger.cli.app import app
from ledger.workflows.governing import set_four_eyes, set_key
from ledger.workflows.importing import import_file
from ledger.workflows.objecting import answer_objection, open_objection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytest_plugins = ["workflows_office"]

ENDS = ("\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")
#: Clears the screen, hides what follows, turns the text round; then a line of its own after each kind of line end.
HOSTILE = (
    "\x1b[2J\x1b[8m\x9b8m\x07\x08\x7f\u202e\u2066\u200f"
    + "".join(f"{end}  FORGED: so" for end in ENDS)
    + " end"
)
NAME = "name:CN:a" + "".join(f"{end}FORGED{end}" for end in ENDS)  # of what a name may hold


#: Verbs that end in an error here: an audit of such a vault, and an objection that the other form opened already.
FAIL = {("audit",), ("objection", "open", "GACC-3", "--statement", HOSTILE)}


def spoiled(said: str) -> list[str]:
    """What somebody else got onto the screen: raw control characters, and lines of his own."""
    raw = [
        repr(each)
        for each in said
        if unicodedata.category(each) in {"Cc", "Cf", "Zl", "Zp", "Cs"} and each != "\n"
    ]
    return raw + [line for line in said.splitlines() if line.strip().startswith("FORGED")]


@pytest.fixture(scope="module")
def firm(deployed: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation in which every text is hostile that somebody else gives, or can put into the vault."""
    folder = tmp_path_factory.mktemp("printed")
    with opened_copy(deployed, folder / "data") as office:
        lines = (record_line(f"R{number}", type="CU04") for number in (1, 2, 3))
        import_file(office, records_file(folder / "r.csv", *lines), "records", office.authorities["GACC"])
        name = json.dumps({"party": NAME, "type": "CU04", "decided_on": "2026-05-01", "reference": "N1"})
        (folder / "name.ndjson").write_text(name)
        assert (
            import_file(office, folder / "name.ndjson", "records", office.authorities["GACC"]).recorded == 1
        )
        office.follower.catch_up()
        for number in (1, 2):
            open_objection(office, f"GACC-{number}", HOSTILE)
        answer_objection(office, 1, "rejected", HOSTILE)
        # Any contract is enough of a wallet for what waits to be shown.
        set_key(office, "GACC", office.deployment.credit_ledger, None, NO_END)
        set_four_eyes(office, "GACC", True)
        serious = records_file(folder / "s.csv", record_line("S1"))
        import_file(office, serious, "records", office.authorities["GACC"])
    made = Installation(folder / "data", {"CREDIT_LEDGER_PASSPHRASE": "test"})
    made.run("key", "create", "--scope", "audit")
    with sqlite3.connect(folder / "data" / "vault.db") as vault:
        vault.execute("update identities set text = ?", [HOSTILE])
        vault.execute("update commands set reference = reference || ?", [HOSTILE])
        vault.execute("update api_keys set label = ?", [HOSTILE])
    return made


@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize(
    "verb",
    [
        ("record", ALPHA),
        ("score", ALPHA),
        ("enterprise", "show", ALPHA),
        ("enterprise", "show", NAME),
        ("enterprise", "register", NAME),
        ("objection", "list", ALPHA),
        ("objection", "show", "2", "--outcome", "upheld", "--answer", HOSTILE),
        ("objection", "open", "GACC-3", "--statement", HOSTILE),
        ("batch", "show", "GACC"),
        ("key", "list"),
        ("authority", "list"),
        ("authority", "pending"),
        ("card", "list"),
        ("status",),
        ("audit",),
        ("repair",),
    ],
    ids=lambda each: " ".join(each[:2])[:40],
)
def test_what_a_ledger_holds_makes_no_line_of_its_own(
    firm: Installation,
    tmp_path: Path,
    verb: Sequence[str],
    as_json: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = firm.run(*verb, *as_json, code=None)
    if verb not in FAIL:
        assert done.returncode == 0, done.stderr
    assert not spoiled(done.stdout + done.stderr)
    if as_json and done.stdout:
        assert json.loads(done.stdout)
        assert done.stdout.count("\n") == 1


def test_a_statement_is_a_block_beside_a_bar(firm: Installation) -> None:
    said = firm.run("objection", "list", ALPHA).stdout.splitlines()
    start = said.index("  statement:")
    shown = [each for each in said[start + 1 :] if each.startswith("    | ")]
    assert "    |   FORGED: so\\r  FORGED: so" in shown  # what was said is all there
    assert "\\x1b[2J\\x1b[8m" in shown[0]
    told = json.loads(firm.run("objection", "list", ALPHA, "--json").stdout)
    assert {each["statement"] for each in told["objections"]} >= {HOSTILE.strip()}


@pytest.mark.parametrize(
    "text", ["a" + " " * 300 + "FORGED", "异" * 200, "  \u3000第一\r\n第二", "\n\n", "\\n"]
)
def test_no_line_of_a_block_is_wide_enough_to_be_wrapped(text: str) -> None:
    made = block(text)
    assert all(line.startswith("    | ") for line in made)
    cells = [sum(1 + (unicodedata.east_asian_width(each) in "WF") for each in line) for line in made]
    assert max(cells) <= 78
    assert "".join(line[6:] for line in made).replace(" ", "") == "".join(text.split())


def hostile_files(folder: Path) -> dict[str, Path]:
    """Files as somebody sends them, for the verbs that read one."""
    message: dict[str, Any] = {
        "primaryType": "ObjectionAnswer",
        "domain": {"name": "Objections", "version": "1", "chainId": 1, "verifyingContract": "0x" + "00" * 20},
        "message": {},
    }
    files = {
        "rows.csv": f'party,type,decided_on,reference,"{HOSTILE}"\n"{HOSTILE}",CU04,2026-05-01,X1,"{HOSTILE}"\n'.encode(),
        "rows.ndjson": json.dumps({"party": HOSTILE, "type": HOSTILE, HOSTILE: HOSTILE}).encode() + b"\n",
        "ids.txt": HOSTILE.encode() + b"\n" + NAME.encode(),
        "message.json": json.dumps(message | {HOSTILE: HOSTILE}).encode(),
        "card.toml": HOSTILE.encode(),
        "evidence.json": forged(lambda content: content.update({HOSTILE: HOSTILE})),
        "sig": HOSTILE.encode(),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in files}


def test_what_a_file_says_makes_no_line_of_its_own(
    firm: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file, wallet = hostile_files(tmp_path), "0x" + "11" * 20
    (tmp_path / "pass").write_text("pw")
    firm.run("objection", "new-key", tmp_path / "key.json", "--passphrase-file", tmp_path / "pass")
    signing = ("--wallet", wallet, "--key-file", "key.json", "--passphrase-file", "pass", "-o", "out")
    cases: list[tuple[str | Path, ...]] = [
        ("import", file["rows.csv"], "--format", "records", "--authority", "GACC"),
        ("import", file["rows.ndjson"], "--format", "records", "--authority", "GACC"),
        ("import", file["rows.csv"], "--format", "cpsc"),
        ("id", "check", file["ids.txt"]),
        ("id", "check", file["ids.txt"], "--json"),
        ("objection", "sign", file["message.json"], *signing),
        ("objection", "post", file["message.json"], "--wallet", wallet, "--signature", file["sig"]),
        ("batch", "post", "GACC", file["message.json"], "--wallet", wallet, "--signature", file["sig"]),
        ("card", "register", file["card.toml"]),
        ("verify", file["evidence.json"]),
        ("verify", file["evidence.json"], "--card", file["card.toml"]),
        ("audit", "--checkpoint", file["evidence.json"]),
    ]
    for each in cases:
        done = firm.run(*each, code=None)
        assert done.stdout + done.stderr, each
        assert not spoiled((done.stdout + done.stderr).replace("\t", " ")), each


@pytest.mark.parametrize("field", ["authority", "name"])
def test_a_message_to_sign_that_imitates_its_frame_is_not_signed(
    firm: Installation, tmp_path: Path, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    firm.run("objection", "show", "2", "--outcome", "upheld", "--answer", "so it is", "-o", "m.json")
    content = json.loads(Path("m.json").read_text())
    content["message" if field == "authority" else "domain"][field] = "GACC" + HOSTILE
    Path("m.json").write_text(json.dumps(content))
    (tmp_path / "pass").write_text("pw")
    firm.run("objection", "new-key", "key.json", "--passphrase-file", "pass")
    wallet = ("--wallet", "0x" + "11" * 20)
    signing = ("sign", "m.json", *wallet, "--key-file", "key.json", "--passphrase-file", "pass", "-o", "out")
    (tmp_path / "sig").write_text("0xabcd")
    for verb in (signing, ("post", "m.json", *wallet, "--signature", "sig")):
        done = firm.run("objection", *verb, code=1)
        assert field in done.stderr
        assert not spoiled(done.stdout + done.stderr)
        assert done.stderr.count("\n") == 1


def verbs(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every verb there is, with its path."""
    if not hasattr(command, "commands"):
        yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from verbs(each, (*path, name))


def test_no_argument_is_quoted_raw_by_any_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    here, many = Installation(Path("file/data")), 0  # nothing opens there: it is about the arguments
    for path, command in verbs(get_command(app)):
        given = [each for each in command.params if not getattr(each, "is_flag", False)]
        for wrong in given:
            words = list(path)
            for each in given:
                if each is wrong or each.required:
                    option = [each.opts[0]] if each.param_type_name == "option" else []
                    words += [*option, HOSTILE if each is wrong else "1"]
            done = here.run(*words, code=None)
            many += 1
            assert not spoiled(done.stdout + done.stderr), words
    assert many > 60
    shutil.rmtree(tmp_path)
