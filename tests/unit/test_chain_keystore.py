"""The keystore: opening, refusing, adding, and what a crash or a curious eye finds on disk."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from eth_account import Account

from ledger import files
from ledger.chain.accounts import Transaction
from ledger.chain.keystore import FIRST_NAMES, Keystore, authority_key, read_passphrase
from ledger.errors import Misconfigured

if TYPE_CHECKING:
    from pathlib import Path

WELL_FORMED = """{"version": 1, "kdf": {"name": "scrypt", "n": %d, "r": 8, "p": 1, "salt": "%s"},
 "keys": {}, "secrets": {"master": "00", "mac": "00"}}"""


def make(folder: Path, passphrase: str = "pass") -> Keystore:
    return Keystore.open_or_create(folder / "keystore.json", passphrase)


def test_what_was_made_is_found_again(tmp_path: Path) -> None:
    first = make(tmp_path)
    added = first.ensure(authority_key("GACC"))
    again = make(tmp_path)
    assert again.names == (*FIRST_NAMES, "authority:GACC")
    assert [again.address(name) for name in again.names] == [first.address(name) for name in first.names]
    assert again.address("authority:GACC") == added == again.ensure("authority:GACC")
    assert (again.master_key, again.mac_key) == (first.master_key, first.mac_key)
    assert len({first.master_key, first.mac_key, again.checkpoint_key}) == 3


def test_two_installations_share_nothing(tmp_path: Path) -> None:
    one, two = make(tmp_path / "a"), make(tmp_path / "b")
    assert one.master_key != two.master_key
    assert not {one.address(n) for n in one.names} & {two.address(n) for n in two.names}


def test_it_signs_as_the_addresses_it_names(tmp_path: Path) -> None:
    store = make(tmp_path)
    raw, _ = store.sign_transaction(
        "operator", Transaction(1, 0, 0, 1, 21_000, store.address("governor"), b"")
    )
    assert Account.recover_transaction(raw) == store.address("operator")
    signature = store.sign_batch("governor", b"\5" * 32)
    assert Account._recover_hash(b"\5" * 32, signature=signature) == store.address("governor")


@pytest.mark.parametrize("passphrase", ["", "Pass", "pass ", "x" * 1000])
def test_a_wrong_passphrase(tmp_path: Path, passphrase: str) -> None:
    make(tmp_path)
    with pytest.raises(Misconfigured, match="passphrase"):
        make(tmp_path, passphrase)


def test_a_key_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="authority:NOBODY"):
        make(tmp_path).address("authority:NOBODY")


def test_the_file_is_private_and_has_no_secret_in_it(tmp_path: Path) -> None:
    store = make(tmp_path)
    path = tmp_path / "keystore.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert store.master_key.hex() not in path.read_text()
    assert store.mac_key.hex() not in path.read_text()


def alter(folder: Path, change: Any) -> None:
    path = folder / "keystore.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_entries_cannot_change_places(tmp_path: Path) -> None:
    make(tmp_path)

    def swap(content: Any) -> None:
        keys = content["keys"]
        keys["operator"], keys["governor"] = keys["governor"], keys["operator"]

    alter(tmp_path, swap)
    store = make(tmp_path)
    with pytest.raises(Misconfigured, match="altered"):
        store.sign_batch("operator", bytes(32))


def test_a_changed_address_is_noticed(tmp_path: Path) -> None:
    make(tmp_path)
    alter(tmp_path, lambda content: content["keys"]["operator"].update(address="0x" + "00" * 20))
    store = make(tmp_path)
    with pytest.raises(Misconfigured):
        store.sign_batch("operator", bytes(32))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"version": 2}',
        WELL_FORMED % (1 << 30, "00"),
        WELL_FORMED % (1024, "zz"),
    ],
    ids=["empty", "list", "object", "version", "memory", "salt"],
)
def test_what_is_no_keystore(tmp_path: Path, text: str) -> None:
    (tmp_path / "keystore.json").write_text(text)
    with pytest.raises(Misconfigured, match="not a keystore"):
        make(tmp_path)


def test_opening_is_quick(tmp_path: Path) -> None:
    make(tmp_path)
    begun = time.process_time()
    make(tmp_path)
    assert time.process_time() - begun < 0.3


def test_a_crash_while_saving_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make(tmp_path)
    before = (tmp_path / "keystore.json").read_bytes()

    def fail(_descriptor: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        store.ensure("authority:STA")
    assert (tmp_path / "keystore.json").read_bytes() == before
    assert not list(tmp_path.glob(".*.new"))


def test_keys_added_by_two_processes_are_all_there(tmp_path: Path) -> None:
    make(tmp_path)
    script = (
        "import sys; from pathlib import Path; from ledger.chain.keystore import Keystore\n"
        "store = Keystore.open_or_create(Path(sys.argv[1]) / 'keystore.json', 'pass')\n"
        "[store.ensure(f'authority:{sys.argv[2]}{n}') for n in range(15)]"
    )
    running = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path), who]) for who in "AB"]
    assert [process.wait(60) for process in running] == [0, 0]
    store = make(tmp_path)
    assert len(store.names) == len(FIRST_NAMES) + 30
    for name in store.names:
        store.sign_batch(name, bytes(32))


def test_the_passphrase_given_comes_first(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from file\n")
    assert read_passphrase("given", file, tmp_path) == "given"
    assert read_passphrase(None, file, tmp_path) == "from file"
    assert not (tmp_path / "passphrase").exists()


def test_without_any_one_is_made_and_kept(tmp_path: Path) -> None:
    made = read_passphrase(None, None, tmp_path / "new")
    path = tmp_path / "new" / "passphrase"
    assert len(made) >= 40
    assert read_passphrase(None, None, tmp_path / "new") == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_lost_passphrase_is_not_replaced_by_a_new_one(tmp_path: Path) -> None:
    make(tmp_path, read_passphrase(None, None, tmp_path))
    (tmp_path / "passphrase").unlink()
    with pytest.raises(Misconfigured, match="missing"):
        read_passphrase(None, None, tmp_path)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_passphrase_file_with_nothing_readable(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(Misconfigured, match="passphrase file"):
        read_passphrase(None, file, tmp_path)
    with pytest.raises(Misconfigured):
        read_passphrase(None, tmp_path / "none", tmp_path)


def test_files_are_replaced_with_their_mode(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    path.chmod(0o644)
    files.write_private(path, b"new")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o600)
    assert list(tmp_path.iterdir()) == [path]
