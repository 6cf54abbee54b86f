"""Key files: made here, opened with their passphrase alone, and such as another tool wrote."""

from __future__ import annotations

import json

import pytest
from eth_account import Account

from ledger.chain.accounts import Transaction
from ledger.chain.keyfile import KeyFile
from ledger.errors import BadValue, Misconfigured

#: The test vector of Web3 Secret Storage with PBKDF2, from its definition (ethereum.org).
VECTOR = {
    "crypto": {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
        "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
        "kdf": "pbkdf2",
        "kdfparams": {
            "c": 262144,
            "dklen": 32,
            "prf": "hmac-sha256",
            "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
        },
        "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
    },
    "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    "version": 3,
}
SECRET = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"


def test_the_definitions_own_vector(tmp_path):
    path = tmp_path / "key.json"
    path.write_text(json.dumps(VECTOR))
    assert KeyFile.open(path, "testpassword").address() == Account.from_key(SECRET).address
    with pytest.raises(Misconfigured, match="passphrase does not open"):
        KeyFile.open(path, "Testpassword")


def test_a_key_made_here_signs_and_is_not_overwritten(tmp_path):
    path = tmp_path / "key.json"
    made = KeyFile.make(path, "horse")
    assert path.stat().st_mode & 0o777 == 0o600
    assert made.address()[2:].lower() == json.loads(path.read_text())["address"].lower()
    transaction = Transaction(1, 0, 1, 1, 21_000, made.address(), b"")
    raw, _ = KeyFile.open(path, "horse").sign_transaction("any", transaction)
    assert Account.recover_transaction(raw) == made.address()
    with pytest.raises(BadValue, match="exists already"):
        KeyFile.make(path, "horse")
    with pytest.raises(BadValue, match="is empty"):
        KeyFile.make(tmp_path / "other.json", "")
    with pytest.raises(BadValue, match="No such file"):
        KeyFile.make(tmp_path / "nowhere" / "key.json", "horse")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "7", '{"version": 3}', json.dumps({**VECTOR, "version": 9})]
)
def test_what_is_no_key_file(tmp_path, content):
    path = tmp_path / "key.json"
    path.write_text(content)
    with pytest.raises(Misconfigured):
        KeyFile.open(path, "horse")
    with pytest.raises(Misconfigured, match="cannot be read"):
        KeyFile.open(tmp_path / "none.json", "horse")
