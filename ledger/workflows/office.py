"""What the workflows need of an installation: the parts, by the names the ledger object has them under."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ledger.chain.rpc import Node
    from ledger.domain.catalogue import Catalogue
    from ledger.outbox.documents import DocumentKeys
    from ledger.store.database import Database


class Sends(Protocol):
    """Posts what the outbox holds."""

    def drain(self, *, authority: int | None = None) -> int:
        """Post what one authority, or any, has accepted and see it on the chain; return how many records."""


class Follows(Protocol):
    """Keeps the index at the chain's tip."""

    def catch_up(self) -> object:
        """Follow up to the chain's latest block."""


class Office(Protocol):
    """The parts that take in and post what an authority submits."""

    @property
    def db(self) -> Database:
        """Vault and index."""

    @property
    def catalogue(self) -> Catalogue:
        """The types of record."""

    @property
    def node(self) -> Node:
        """The chain."""

    @property
    def keystore(self) -> DocumentKeys:
        """The secrets documents are sealed under."""

    @property
    def sender(self) -> Sends:
        """The way from the outbox to the chain."""

    @property
    def follower(self) -> Follows:
        """The way from the chain to the index."""
