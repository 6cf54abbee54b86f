"""An open installation as the workflows see it: its parts, by the names `bootstrap.Ledger` has them under."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.chain.contracts import Contracts, Deployment
    from ledger.chain.keystore import Keystore
    from ledger.chain.rpc import Node
    from ledger.domain.catalogue import Catalogue
    from ledger.index.follower import Follower
    from ledger.outbox.sender import Sender
    from ledger.scoring.cards import Scorecard
    from ledger.settings import Settings
    from ledger.store.database import Database


class Office(Protocol):
    """What stands open. Each workflow takes what it needs of it; nothing here can be replaced."""

    @property
    def settings(self) -> Settings:
        """What the operator set, the data folder among it."""

    @property
    def catalogue(self) -> Catalogue:
        """The types of record."""

    @property
    def cards(self) -> Sequence[Scorecard]:
        """The scorecards in use, dated."""

    @property
    def keystore(self) -> Keystore:
        """The keys of operator, governor and authorities, and the secrets documents are sealed under."""

    @property
    def db(self) -> Database:
        """Vault and index."""

    @property
    def node(self) -> Node:
        """The chain."""

    @property
    def deployment(self) -> Deployment:
        """Which chain, and where the contracts are."""

    @property
    def contracts(self) -> Contracts:
        """The contracts' views and calls."""

    @property
    def sender(self) -> Sender:
        """The way from the outbox to the chain."""

    @property
    def follower(self) -> Follower:
        """The way from the chain to the index."""

    def today(self) -> int:
        """The day it is in Asia/Shanghai."""
