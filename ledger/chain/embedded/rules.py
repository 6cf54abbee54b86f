"""The fixed numbers of the embedded chain."""

from __future__ import annotations

from typing import Final

#: Private, and not the 31337 of development nodes: what is signed for this chain is valid on no other.
CHAIN_ID: Final = 20_260_401
#: Room for several batches of the size EIP-7825 allows.
BLOCK_GAS: Final = 60_000_000
#: What every funded address starts with, in wei: more than a chain of this kind can spend.
ENDOWMENT: Final = 10**30
