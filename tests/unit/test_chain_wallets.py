"""Which keys are contract wallets, and what they answer, asked of a real node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ledger.chain.rpc import HttpNode
from ledger.chain.wallets import accepts, is_wallet

if TYPE_CHECKING:
    from nodes import Anvil

pytestmark = pytest.mark.anvil

KEY = "0x" + "ab" * 20
#: Answers every call with the selector of `isValidSignature` and 28 zeros, with a word of zeros, with nothing.
YES, ZERO, NOTHING = "631626ba7e60e01b5f5260205ff3", "60205ff3", "00"


@pytest.mark.parametrize(
    ("code", "wallet", "stands"),
    [
        ("", False, False),
        ("ef0100" + "cd" * 20, False, False),
        ("EF0100" + "cd" * 20, False, False),
        (YES, True, True),
        (ZERO, True, False),
        (NOTHING, True, False),
        ("5f5ffd", True, False),
    ],
    ids=["account", "delegated", "delegated, capitals", "yes", "zero", "nothing", "reverts"],
)
def test_a_wallet_has_code_of_its_own_and_answers_by_it(
    anvil: Anvil, code: str, wallet: bool, stands: bool
) -> None:
    anvil.request("anvil_setCode", KEY, "0x" + code)
    node = HttpNode(anvil.url)
    assert is_wallet(node, KEY) == wallet
    assert accepts(node, KEY, b"\1" * 32, b"\2" * 65) == stands
    node.close()
