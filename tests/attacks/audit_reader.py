"""What the attacks on the audit are made with: the audit of a ledger, and acts by its real keys past this software."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))


from ledger.chain.contracts import batch_digest
from ledger.chain.keystore import authority_key
from ledger.crypto.hashing import sha256
from ledger.crypto.typed_data import signed_batch
from ledger.domain.records import Record, pack_run
from ledger.workflows.audit_kept import kept_checkpoints_of
from ledger.workflows.auditing import audit
from ledger.workflows.sending import present, send

if TYPE_CHECKING:
    from ledger.audit.report import Report
    from ledger.bootstrap import Ledger


def audited(ledger: Ledger, **options: Any) -> Report:
    """The audit as the command makes it."""
    ledger.follower.catch_up()
    found = kept_checkpoints_of(ledger)
    heads = [(each.size, each.root) for each in found.checkpoints]
    return audit(ledger, checkpoints=heads, statements=found.checkpoints, beside=found.found, **options)


def deviations(ledger: Ledger, **options: Any) -> list[tuple[str, str]]:
    report = audited(ledger, **options)
    assert report.verdict == ("deviates" if report.deviations else report.verdict)
    return [(each.what, each.where) for each in report.deviations]


def unchecked(ledger: Ledger, **options: Any) -> list[tuple[str, str]]:
    """What could not be checked where nothing deviates: exit 4."""
    report = audited(ledger, **options)
    assert report.verdict == "not checked", report.to_text()
    return [(each.what, each.where) for each in report.not_checked]


def post(ledger: Ledger, code: str, *records: Record) -> None:
    """Post a batch with an authority's own key, past all checks of this software."""
    authority = ledger.authorities[code].number
    first, name = ledger.contracts.record_count(authority) + 1, authority_key(code)
    data, deadline = pack_run(sorted(records, key=lambda each: each.enterprise)), present(ledger) + 3600
    batch = signed_batch(code, first, data, deadline, ledger.contracts.signature_epoch(authority))
    signature = ledger.keystore.sign_batch(name, batch_digest(ledger.deployment, batch))
    key = ledger.keystore.address(name)
    send(ledger, ledger.contracts.record_signed(authority, first, deadline, key, data, signature))


def record(ledger: Ledger, type_: str, enterprise: int = 1, ref: int = 0, **changed: Any) -> Record:
    kind, today = ledger.catalogue.by_code[type_], ledger.today()
    made = Record(enterprise, kind.number, kind.severity, today - 9, today - 3, ref, sha256(type_.encode()))
    return made._replace(**changed)


def change(ledger: Ledger, *statements: Any) -> None:
    """Change the vault where it lies."""
    with ledger.db.write_vault() as vault:
        for each in statements:
            vault.execute(each)


def block(ledger: Ledger) -> int:
    return int(ledger.node.request("eth_blockNumber"), 16)
