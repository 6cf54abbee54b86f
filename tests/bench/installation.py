"""A ledger to measure: its parts wired as the program wires them, on the embedded chain or on anvil."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nodes import Anvil
from pydantic import SecretStr
from web3 import HTTPProvider, Web3
from web3.providers.base import BaseProvider

from ledger.bootstrap import Ledger
from ledger.chain.abi import ARTIFACTS
from ledger.chain.embedded import open_embedded
from ledger.chain.keystore import Keystore, authority_key
from ledger.chain.rpc import Node
from ledger.domain.catalogue import default_authorities
from ledger.domain.parties import parse_party
from ledger.outbox.identities import Register
from ledger.settings import Settings

PASSPHRASE = "bench"
AUTHORITY = "GACC"
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def settings(
    folder: Path, *, rpc_url: str | None = None, database_url: str | None = None, batch: int = 200
) -> Settings:
    """Settings of a ledger in `folder`, none of them from the environment."""
    return Settings(
        data_dir=folder,
        rpc_url=rpc_url,
        database_url=SecretStr(database_url) if database_url else None,
        passphrase=SecretStr(PASSPHRASE),
        passphrase_file=None,
        batch_size=batch,
    )


def keystore(folder: Path) -> Keystore:
    """The keystore of a ledger to come, with every key it will use."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Keystore.open_or_create(folder / "keystore.json", PASSPHRASE)
    for each in default_authorities():
        made.ensure(authority_key(each.code))
    return made


@contextlib.contextmanager
def on_embedded(folder: Path, *, batch: int = 200) -> Iterator[Ledger]:
    """A fresh ledger on the embedded chain; every key has money, for the baseline sends from one."""
    keys = keystore(folder)
    open_embedded(folder, [keys.address(name) for name in keys.names]).close()
    with Ledger.open(settings(folder, batch=batch)) as ledger:
        yield ledger


@contextlib.contextmanager
def on_anvil(
    anvil: Anvil, folder: Path, *, database_url: str | None = None, batch: int = 500
) -> Iterator[Ledger]:
    """A fresh ledger on anvil."""
    keys = keystore(folder)
    anvil.fund(*(keys.address(name) for name in keys.names))
    with Ledger.open(settings(folder, rpc_url=anvil.url, database_url=database_url, batch=batch)) as ledger:
        yield ledger


def codes(many: int, start: int = 0) -> list[str]:
    """Unified social credit codes with both check characters right (GB 11714-1997, GB 32100-2015)."""
    return [_code(number) for number in range(start, start + many)]


def _code(number: int) -> str:
    organisation = f"{number:08d}"
    weighed = sum(int(d) * w for d, w in zip(organisation, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    check = (11 - weighed % 11) % 11
    code = "91440300" + organisation + ("X" if check == 10 else str(check))
    total = sum(_ALPHABET.index(char) * pow(3, place, 31) for place, char in enumerate(code))
    return code + _ALPHABET[(31 - total % 31) % 31]


def register(ledger: Ledger, parties: Sequence[str]) -> None:
    """Register enterprises on the chain, so that importing about them registers none."""
    found = [parse_party(each) for each in parties]
    with ledger.db.write_vault() as vault:
        book = Register(vault, [each.key for each in found])
        for each in found:
            book.index_of(each)
        book.save()
    ledger.sender.drain()
    ledger.follower.catch_up()


class _Provider(BaseProvider):
    """web3.py on a node of this process."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._node = node

    def make_request(self, method: str, params: Any) -> Any:
        return {"jsonrpc": "2.0", "id": 1, "result": self._node.request(method, *params)}


def plain_web3(ledger: Ledger) -> Web3:
    """web3.py, as a script would set it up."""
    url = ledger.settings.rpc_url
    return Web3(HTTPProvider(url) if url else _Provider(ledger.node))


def plain_contract(ledger: Ledger, web3: Web3) -> Any:
    """The ledger's contract as web3.py has it."""
    abi = json.loads((ARTIFACTS / "CreditLedger.json").read_bytes())["abi"]
    return web3.eth.contract(address=Web3.to_checksum_address(ledger.deployment.credit_ledger), abi=abi)
