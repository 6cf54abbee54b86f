"""A deployed ledger on the embedded chain, made once per test run and copied for each test that wants one."""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.chain.contracts import Contracts, Deployment, batch_digest
from ledger.chain.deployment import deploy
from ledger.chain.embedded import EmbeddedNode, open_embedded
from ledger.chain.keystore import Keystore, authority_key
from ledger.chain.submitter import Receipt, Submitter
from ledger.crypto.typed_data import signed_batch
from ledger.domain.catalogue import default_authorities
from ledger.scoring.cards import load_cards

if TYPE_CHECKING:
    from ledger.chain.rpc import Node

PASSPHRASE = "correct horse battery staple"
DAY = int(time.time()) // 86400 - 30


@dataclass
class Ledger:
    """Everything needed to write to a deployed ledger."""

    node: Node
    keystore: Keystore
    deployment: Deployment
    contracts: Contracts
    operator: Submitter

    def register(self, count: int) -> Receipt:
        first = self.contracts.enterprise_count() + 1
        commitments = [os.urandom(32) for _ in range(count)]
        return self.operator.execute(self.contracts.register(first, commitments), 200_000 + 60_000 * count)

    def record(self, enterprises: list[int], authority: int = 1, first: int | None = None) -> Receipt:
        """Post one signed batch: a record per entry, `enterprises` sorted."""
        _, code, _, _, mandate, *_ = default_authorities()[authority - 1]
        kind = (mandate & -mandate).bit_length() - 1  # the first type it may write
        first = first or self.contracts.record_count(authority) + 1
        records = b"".join(record_bytes(enterprise, kind) for enterprise in enterprises)
        deadline = int(time.time()) + 10**6
        name = authority_key(code)
        digest = batch_digest(self.deployment, signed_batch(code, first, records, deadline))
        signature = self.keystore.sign_batch(name, digest)
        call = self.contracts.record_signed(
            authority, first, deadline, self.keystore.address(name), records, signature
        )
        return self.operator.execute(call, 300_000 + 40_000 * len(enterprises))


def record_bytes(enterprise: int, kind: int = 1, day: int = DAY) -> bytes:
    return struct.pack(">QHBIIQ5x32s", enterprise, kind, 1, day, day, 0, os.urandom(32))


def funded(keystore: Keystore) -> list[str]:
    return [keystore.address(name) for name in ("deployer", "governor", "operator")]


def fresh(folder: Path) -> tuple[EmbeddedNode, Keystore]:
    """An embedded chain with nothing on it, and its keys."""
    keystore = Keystore.open_or_create(folder / "keystore.json", PASSPHRASE)
    return open_embedded(folder, funded(keystore)), keystore


def ledger_on(node: Node, keystore: Keystore) -> Ledger:
    """The ledger deployed on any node (deployed now if it is not there yet)."""
    deployment = deploy(node, keystore, default_authorities(), load_cards())
    contracts = Contracts(node, deployment)
    return Ledger(node, keystore, deployment, contracts, Submitter(node, keystore, "operator"))


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="credit-ledger-test-"))
    node, keystore = fresh(folder)
    ledger_on(node, keystore)
    node.close()
    return folder


def deployed(folder: Path) -> Ledger:
    """A ledger on an embedded chain in `folder`; its owner closes `ledger.node`."""
    shutil.copytree(_template(), folder, dirs_exist_ok=True)
    keystore = Keystore.open_or_create(folder / "keystore.json", PASSPHRASE)
    return ledger_on(open_embedded(folder, []), keystore)
