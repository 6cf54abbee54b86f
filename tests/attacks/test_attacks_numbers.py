"""Numbers beyond what a database holds, and JSON without a bottom, given to every verb that takes one: a sentence, no traceback."""

from __future__ import annotations

import copy
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
sys.path.insert(0, str(Path(__file__).parents[1] / "acceptance"))

from installation import Installation
from workflows_office import opened_copy
from workflows_rows import record_line, records_file

from ledger.chain.contracts import Deployment
from ledger.chain.deployment import NO_END
from ledger.chain.rpc import HttpNode
from ledger.cli.app import app
from ledger.errors import LedgerError, Misconfigured
from ledger.json_text import MAX_DEPTH, MAX_FILE, BadJson, read_json, read_json_file
from ledger.scoring.cards import parse_card
from ledger.workflows import wallet_answers, wallet_batches
from ledger.workflows.governing import set_four_eyes, set_key
from ledger.workflows.importing import import_file
from ledger.workflows.objecting import answer_objection, open_objection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.bootstrap import Ledger

pytest_plugins = ["workflows_office"]

BEYOND = (-1, 1 << 31, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 1 << 64, 10**30)
DEEP = b"[" * 200_000
KNOWN = {"--outcome": "rejected", "--answer": "x"}


def verbs(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not hasattr(command, "commands"):
        yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from verbs(each, (*path, name))


VERBS = dict(verbs(get_command(app)))


def words(path: tuple[str, ...], command: Any, which: Any, given: str) -> list[str]:
    """The verb with what it needs, and this value of one parameter."""
    said = list(path)
    for each in command.params:
        if each is which or (each.required and not getattr(each, "is_flag", False)):
            option = [each.opts[0]] if each.param_type_name == "option" else []
            said += [*option, given if each is which else KNOWN.get(each.opts[0], "1")]
    return said


@pytest.fixture(scope="module")
def answering(
    deployed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Ledger, Any, Any, str]]:
    """An office that waits for a wallet; the answer and the batch as its officers get them, and the wallet."""
    folder = tmp_path_factory.mktemp("numbers")
    with opened_copy(deployed, folder / "data") as office:
        gacc, wallet = office.authorities["GACC"], office.deployment.credit_ledger
        import_file(office, records_file(folder / "r.csv", record_line("R1", type="CU04")), "records", gacc)
        office.follower.catch_up()
        open_objection(office, "GACC-1", "declared in time")
        set_key(office, "GACC", wallet, None, NO_END)  # a contract: enough of a wallet until it is asked
        set_four_eyes(office, "GACC", True)
        import_file(office, records_file(folder / "s.csv", record_line("S1")), "records", gacc)
        answer = wallet_answers.show(office, 1, "rejected", "no", None, 3600)["message"]
        batch = wallet_batches.show(office, "GACC", None, 3600, 10)["message"]
        yield office, *json.loads(json.dumps([answer, batch])), wallet


def test_every_whole_number_that_a_verb_takes_has_its_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    here, found = Installation(Path("file/data")), 0  # nothing opens there: it is about the arguments
    for path, command in VERBS.items():
        for each in command.params:
            if each.type_descriptor.annotation is not int:
                continue
            found += 1
            for number in (each.min - 1, each.max + 1, 10**30):
                done = here.run(*words(path, command, each, str(number)), code=2)
                assert "Input should be" in done.stderr, (path, number)
    assert found >= 4


@pytest.mark.parametrize("number", BEYOND)
def test_no_objection_has_a_number_beyond(answering: tuple[Ledger, Any, Any, str], number: int) -> None:
    office = answering[0]
    with pytest.raises(LedgerError, match=f"no objection {number}"):
        answer_objection(office, number, "rejected", "no")
    with pytest.raises(LedgerError, match=f"no objection {number}"):
        wallet_answers.show(office, number, "rejected", "no", None, 3600)


def numbers(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a whole number stands in a document."""
    if isinstance(value, int):
        yield place
    for key, each in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from numbers(each, (*place, key))


def with_value(content: Any, place: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(content)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return changed


@pytest.mark.parametrize(
    "number", [*BEYOND, 1e300, 1.5, True, None, "9" * 5000, [], {}], ids=lambda each: str(each)[:12]
)
def test_no_message_to_sign_has_a_number_beyond(answering: tuple[Ledger, Any, Any, str], number: Any) -> None:
    office, answer, batch, wallet = answering
    places = [*numbers(answer)]
    assert len(places) >= 7
    for place in places:
        if with_value(answer, place, number) != answer:
            with pytest.raises(LedgerError):
                wallet_answers.post(office, with_value(answer, place, number), wallet, [b"x"])
    for place in numbers(batch):
        if with_value(batch, place, number) != batch:
            with pytest.raises(LedgerError):
                wallet_batches.post(office, "GACC", with_value(batch, place, number), wallet, [b"x"])


def test_every_verb_that_reads_a_file_of_json_reads_one_without_a_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"deep.json": DEEP, "twice.json": b'{"a": 1, "a": 2}', "nan.json": b"[NaN]", "text.json": b"\xff"}
    for name, content in files.items():
        Path(name).write_bytes(content)
    Path("pass").write_text("pw")
    Path("sig").write_text("0xab")
    wallet, key = ("--wallet", "0x" + "11" * 20), ("--passphrase-file", "pass")
    (tmp_path / "kept").mkdir()
    log = "ledger.example/1+00000000+AAAA"
    here = Installation(tmp_path / "data")
    for name, content in files.items():
        cases: list[tuple[str, ...]] = [
            ("objection", "post", name, *wallet, "--signature", "sig"),
            ("batch", "post", "GACC", name, *wallet, "--signature", "sig"),
            ("objection", "sign", name, *wallet, "--key-file", "key.json", *key, "-o", "out"),
            ("batch", "sign", name, *wallet, "--key-file", "key.json", *key, "-o", "out"),
            ("objection", "open", "GACC-1", "--statement", "x", "--key-file", name, *key),
            (
                "witness",
                "--name",
                "w.example/1",
                "--log",
                log,
                "--node",
                "http://127.0.0.1:1",
                "--deployment",
                name,
            ),
            ("verify", name),
            ("verify", name, "--card", name),
            ("card", "register", name),
        ]
        for case in cases:
            done = here.run(*case, code=1)
            assert done.stderr.count("\n") == 1, case
        (tmp_path / "kept" / "backup.json").write_bytes(content)
        assert "no whole backup" in here.run("restore", "kept", code=1).stderr


def test_the_files_that_an_installation_keeps_are_read_so_too(deployed: Path, tmp_path: Path) -> None:
    shutil.copytree(deployed, tmp_path / "data")
    here = Installation(tmp_path / "data", {"CREDIT_LEDGER_PASSPHRASE": "test"})
    (tmp_path / "data" / "chain.json").write_bytes(DEEP)
    here.run("status")  # who owns the chain is not found out by it
    (tmp_path / "data" / "keystore.json").write_bytes(DEEP)
    assert f"nested deeper than {MAX_DEPTH}" in here.run("status", code=1).stderr


def test_json_has_a_bottom_and_an_end(tmp_path: Path) -> None:
    assert read_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    for text in ("[" * (MAX_DEPTH + 1), '{"a":' * 100_000, '["' + "[" * 100 + '"' + ",[" * 100_000):
        with pytest.raises(BadJson, match="nested deeper"):
            read_json(text)
    assert read_json('["' + "[" * 100_000 + '"]')
    with pytest.raises(BadJson, match="more than"):
        read_json_file(Path("/dev/zero"))
    (tmp_path / "long").write_bytes(b" " * MAX_FILE + b"1")
    with pytest.raises(BadJson, match="more than"):
        read_json_file(tmp_path / "long")


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 100_000, "a = " + "{b=" * 100_000, "a = " + "9" * 5000],
    ids=["lists", "tables", "digits"],
)
def test_a_card_without_a_bottom_is_none(text: str) -> None:
    with pytest.raises(Misconfigured, match="not TOML"):
        parse_card(text)


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://127.0.0.1:99999999", "http://127.0.0.1:x", "ftp://a", "", "http://"]
)
def test_what_is_no_address_of_a_node_is_said_so(url: str) -> None:
    with pytest.raises(Misconfigured, match="address"):
        HttpNode(url)


@pytest.mark.parametrize("field", ["chain_id", "block", "genesis_hash", "credit_ledger", "version"])
@pytest.mark.parametrize(
    "value", [-1, 1 << 63, "0x", "x" * 42, None, [], True], ids=lambda each: str(each)[:8]
)
def test_a_deployment_of_another_shape_is_refused(
    answering: tuple[Ledger, Any, Any, str], field: str, value: Any
) -> None:
    good = answering[0].deployment.to_json()
    assert Deployment.from_json(good) == answering[0].deployment
    if field == "version" and isinstance(value, str):
        return
    with pytest.raises(Misconfigured, match=f"not a deployment: {field}"):
        Deployment.from_json(good | {field: value})
