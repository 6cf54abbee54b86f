"""A real Safe of two of three officers as a key of an authority that asks for four eyes."""

from __future__ import annotations

import sys
from pathlib import Path

from eth_account import Account

sys.path.insert(0, str(Path(__file__).parents[1]))

from safe import new_safe

from ledger.chain.accounts import sign_digest
from ledger.chain.deployment import NO_END
from ledger.workflows.governing import set_four_eyes, set_key

OFFICERS = [bytes([number]) * 32 for number in (1, 2, 3)]


def governed(office, code="GACC"):
    """Four eyes on, and the Safe a key of the authority; the Safe's address."""
    officers = [Account.from_key(each).address for each in OFFICERS]
    safe = new_safe(office.node, office.keystore, officers, 2)
    set_key(office, code, safe, None, NO_END)
    set_four_eyes(office, code, True)
    return safe


def signed(found, *officers):
    digest = bytes.fromhex(found["safe_digest"][2:])
    return [sign_digest(OFFICERS[each], digest) for each in officers]
