"""The keys of an authority that this office holds: the first one, and those it was given since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.chain.keystore import authority_key

if TYPE_CHECKING:
    from ledger.chain.contracts import Contracts
    from ledger.chain.keystore import Keystore


def held_keys(keystore: Keystore, code: str) -> tuple[str, ...]:
    """Return the names of the keys held here for the authority `code`, the newest last."""
    first = authority_key(code)
    return tuple(name for name in keystore.names if name == first or name.startswith(f"{first}:"))


def fresh_key(contracts: Contracts, keystore: Keystore, authority: int, code: str) -> str:
    """Return the address of a key held here that never was one on the chain, making it if there is none.

    So a command that was cut off between making a key and setting it goes on with the same key.
    """
    names = held_keys(keystore, code)
    for name in names:
        address = keystore.address(name)
        known = contracts.compromised_from(authority, address) or any(
            contracts.key_window(authority, address)
        )
        if not known:
            return address
    return keystore.ensure(f"{authority_key(code)}:{len(names) + 1}")


def writing_key(contracts: Contracts, keystore: Keystore, authority: int, code: str, now: int) -> str:
    """Return the name of the newest key held here that may write at `now` (Unix seconds).

    If none may, it is the first: the chain refuses it, and says why. A sole key is not asked about.
    """
    names = held_keys(keystore, code)
    if len(names) > 1:
        for name in reversed(names):
            address = keystore.address(name)
            start, until = contracts.key_window(authority, address)
            if start <= now < until and not contracts.compromised_from(authority, address):
                return name
    return authority_key(code)
