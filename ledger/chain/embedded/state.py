"""py-evm's state with the two parts that take its time replaced: opcodes and writing contract storage.

Everything else (journals, accounts, gas of storage access) is py-evm's. The storage classes below fall
back to py-evm's trie as soon as something is removed, which the ledger's contracts never do.
"""

from __future__ import annotations

from typing import Any

from eth.db.account import AccountDB
from eth.db.cache import CacheDB
from eth.db.journal import JournalDB
from eth.db.storage import AccountStorageDB, StorageLookup
from eth.vm.forks.prague import PragueState
from eth.vm.interrupt import MissingStorageTrieNode

from ledger.chain.embedded.fast import FastComputation
from ledger.chain.embedded.trie import lookup, update
from ledger.crypto.hashing import keccak256


class BulkLookup(StorageLookup):  # type: ignore[misc]  # py-evm has no types
    """A contract's storage trie that takes a block's changes together (`trie.update`)."""

    def __init__(self, db: Any, storage_root: bytes, address: bytes) -> None:
        super().__init__(db, storage_root, address)
        self._pending: dict[bytes, bytes] = {}
        self._updated: tuple[bytes, dict[bytes, bytes]] | None = None

    def __getitem__(self, key: bytes) -> bytes:
        if self._write_trie is not None:
            return bytes(super().__getitem__(key))
        slot = _hashed(key)
        if slot in self._pending:
            return self._pending[slot]
        try:
            return lookup(self._db.__getitem__, self._starting_root_hash, slot)
        except KeyError as error:
            missing = error.args[0]
            raise MissingStorageTrieNode(missing, self._starting_root_hash, slot, (), self._address) from None

    def __setitem__(self, key: bytes, value: bytes) -> None:
        if self._write_trie is not None or not value:
            self._fall_back()
            super().__setitem__(key, value)
        else:
            self._pending[_hashed(key)] = value
            self._updated = None

    def __delitem__(self, key: bytes) -> None:
        self._fall_back()
        super().__delitem__(key)

    def _exists(self, key: bytes) -> bool:
        return self[key] != b""

    @property
    def has_changed_root(self) -> bool:
        return bool(self._pending) or self._write_trie is not None

    def get_changed_root(self) -> bytes:
        if not self._pending:
            return bytes(super().get_changed_root())
        if self._updated is None:
            self._updated = update(self._db.__getitem__, self._starting_root_hash, self._pending)
        return self._updated[0]

    def commit_to(self, db: Any) -> None:
        if not self._pending:
            super().commit_to(db)
            return
        root = self.get_changed_root()
        assert self._updated is not None
        for digest, node in self._updated[1].items():
            db[digest] = node
        self._forget()
        self._initialize_to_root_hash(root)

    def new_trie(self) -> int:
        self._fall_back()
        return int(super().new_trie())

    def rollback_trie(self, trie_index: int) -> None:
        self._forget()
        super().rollback_trie(trie_index)

    def _fall_back(self) -> None:
        """Hand the pending changes to py-evm's trie, which then takes all others too."""
        if self._pending:
            trie = self._get_write_trie()
            for slot, value in self._pending.items():
                trie[slot] = value
            self._forget()

    def _forget(self) -> None:
        self._pending = {}
        self._updated = None


class LedgerStorage(AccountStorageDB):  # type: ignore[misc]
    """py-evm's storage of one contract, over `BulkLookup`."""

    def __init__(self, db: Any, storage_root: bytes, address: bytes) -> None:
        super().__init__(db, storage_root, address)
        self._storage_lookup = BulkLookup(db, storage_root, address)
        self._storage_cache = CacheDB(self._storage_lookup)
        self._locked_changes = JournalDB(self._storage_cache)
        self._journal_storage = JournalDB(self._locked_changes)


class LedgerAccounts(AccountDB):  # type: ignore[misc]
    """py-evm's accounts, over `LedgerStorage`."""

    def _get_address_store(self, address: bytes) -> LedgerStorage:
        store: LedgerStorage | None = self._account_stores.get(address)
        if store is None:
            store = LedgerStorage(self._raw_store_db, self._get_storage_root(address), address)
            self._account_stores[address] = store
        return store


class LedgerState(PragueState):  # type: ignore[misc]
    """Prague's state, computing with the fast opcodes and storing in bulk."""

    computation_class = FastComputation
    account_db_class = LedgerAccounts


def _hashed(key: bytes) -> bytes:
    return keccak256(key.rjust(32, b"\0"))
