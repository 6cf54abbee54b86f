"""Where the parts are wired together, and nowhere else: settings in, one open `Ledger` out.

    with Ledger.open(Settings()) as ledger:
        ledger.follower.catch_up()

Opening opens the databases, unlocks the keystore, reaches the chain and deploys the contracts if this data
folder has none yet. A first opening that is killed is taken up where it stopped by the next. What belongs
together is opened together: no key and no chain is made anew beside what was made with others.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from ledger.chain.connect import CHAIN_FILE, accept_clock, connect
from ledger.chain.contracts import Contracts, Deployment
from ledger.chain.deployment import check_chain, deploy
from ledger.chain.keystore import FIRST_NAMES, KEYSTORE, Keystore, authority_key, read_passphrase
from ledger.chain.versions import check_version
from ledger.domain.calendar import day_of
from ledger.domain.catalogue import default_authorities, load_catalogue
from ledger.errors import Misconfigured
from ledger.index.follower import Follower
from ledger.outbox.sender import Sender
from ledger.scoring.cards import load_cards
from ledger.store import vault
from ledger.store.database import open_database
from ledger.workflows.scorecards import cards_in_use
from ledger.workflows.unfinished import refuse_unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ledger.chain.rpc import Node
    from ledger.domain.catalogue import Authority, Catalogue
    from ledger.scoring.cards import Scorecard
    from ledger.settings import Settings
    from ledger.store.database import Database


@dataclass(frozen=True)
class Ledger:
    """Everything open, for the command line and the API."""

    settings: Settings
    catalogue: Catalogue
    authorities: dict[str, Authority]
    cards: tuple[Scorecard, ...]
    keystore: Keystore
    db: Database
    node: Node
    deployment: Deployment
    contracts: Contracts
    sender: Sender
    follower: Follower

    @classmethod
    @contextlib.contextmanager
    def open(
        cls,
        settings: Settings,
        progress: Callable[[str], None] = lambda _: None,
        *,
        clock_is_right: bool = False,
        renew_index: bool = False,
    ) -> Iterator[Ledger]:
        """Open the installation in `settings.data_dir`, deploying on first use; `progress` hears its steps.

        `clock_is_right`: somebody looked, and the embedded chain may make blocks by it. `renew_index`: an
        index of another version is made anew and empty.

        Raises `Misconfigured` (passphrase, keystore, address, another chain or keystore than the vault's, a
        restoration that was not finished), `Busy` (held by another process that does not serve it),
        `ChainUnavailable`, `ChainRefused`.
        """
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        refuse_unfinished(settings.data_dir)
        catalogue, authorities, cards = load_catalogue(), default_authorities(), load_cards()
        with contextlib.ExitStack() as stack:
            database_url = settings.database_url.get_secret_value() if settings.database_url else None
            most = settings.database_connections
            db = stack.enter_context(
                open_database(
                    database_url,
                    settings.data_dir,
                    most,
                    renew_index=renew_index,
                    vault_opened=_check_version,
                )
            )
            _refuse_parted(settings, db)
            keystore = _keystore(settings, authorities)
            _bind(db, keystore, settings.data_dir / KEYSTORE)
            funded = [keystore.address(name) for name in FIRST_NAMES]
            node = connect(settings.data_dir, funded, settings.rpc_url, span_days=settings.clock_span_days)
            stack.callback(node.close)
            if clock_is_right:
                accept_clock(node)
            deployment = _deployment(
                db, node, keystore, authorities, cards, progress, settings.governance_delay
            )
            contracts = Contracts(node, deployment)
            yield cls(
                settings=settings,
                catalogue=catalogue,
                authorities={authority.code: authority for authority in authorities},
                cards=cards_in_use(contracts, settings.data_dir),
                keystore=keystore,
                db=db,
                node=node,
                deployment=deployment,
                contracts=contracts,
                sender=Sender(db, contracts, keystore, batch_size=settings.batch_size),
                follower=Follower(db, node, deployment),
            )

    def today(self) -> int:
        """Return the day it is in Asia/Shanghai."""
        return day_of(int(time.time()))


def _refuse_parted(settings: Settings, db: Database) -> None:
    """Raise `Misconfigured` where keys or a chain would be made anew beside what was made with others."""
    folder, known = settings.data_dir, _kept_deployment(db) is not None
    chain = folder / CHAIN_FILE
    beside = "the vault" if known or _fingerprint(db) else chain if chain.exists() else None
    if beside and not (folder / KEYSTORE).exists():
        raise Misconfigured(
            f"{folder / KEYSTORE} is missing, and {beside} was made with its keys: put it back, from where it"
            " is kept or from a backup. No other keys are made beside what was made with those"
        )
    if known and settings.rpc_url is None and not chain.exists():
        raise Misconfigured(
            f"{chain} is missing, and the vault belongs to it: put it back from a backup. No other chain is"
            " begun beside the vault"
        )


def _bind(db: Database, keystore: Keystore, path: Path) -> None:
    """Hold the vault to the keystore that it was made with; a new one from here on to this."""
    own, kept = keystore.fingerprint, _fingerprint(db)
    if kept is None:
        with db.write_vault() as connection:
            kept = connection.scalar(select(vault.keystore.c.fingerprint))
            if kept is None:
                connection.execute(insert(vault.keystore).values(id=1, fingerprint=own))
    if kept not in {None, own}:
        raise Misconfigured(
            f"the vault was made with another keystore than {path}: its documents would not open, and what is"
            " recorded now would not open with the other. Put back the keystore that it was made with"
        )


def _fingerprint(db: Database) -> bytes | None:
    with db.read_vault() as connection:
        found = connection.scalar(select(vault.keystore.c.fingerprint))
    return None if found is None else bytes(found)


def _keystore(settings: Settings, authorities: tuple[Authority, ...]) -> Keystore:
    passphrase = settings.passphrase.get_secret_value() if settings.passphrase else None
    secret = read_passphrase(passphrase, settings.passphrase_file, settings.data_dir)
    keystore = Keystore.open_or_create(settings.data_dir / KEYSTORE, secret)
    for authority in authorities:
        keystore.ensure(authority_key(authority.code))
    return keystore


def _deployment(  # noqa: PLR0917  the parts of a ledger, in the order they are opened
    db: Database,
    node: Node,
    keystore: Keystore,
    authorities: tuple[Authority, ...],
    cards: tuple[Scorecard, ...],
    progress: Callable[[str], None],
    governance_delay: int,
) -> Deployment:
    """Return the deployment that the vault remembers, or make one and remember it."""
    known = _known_deployment(db)
    if known is None:
        with db.lock("deploy", timeout=120):
            known = _known_deployment(db)
            if known is None:
                known = deploy(
                    node,
                    keystore,
                    authorities,
                    cards,
                    governance_delay=governance_delay,
                    progress=progress,
                )
                _remember(db, known)
                return known
    check_chain(node, known)
    return known


def _known_deployment(db: Database) -> Deployment | None:
    content = _kept_deployment(db)
    return None if content is None else Deployment.from_json(content)


def _check_version(db: Database) -> None:
    content = _kept_deployment(db)
    if content is not None:
        check_version(content)


def _kept_deployment(db: Database) -> dict[str, Any] | None:
    with db.read_vault() as connection:
        content = connection.scalar(select(vault.deployment.c.content))
    try:
        return None if content is None else dict(json.loads(content))
    except (ValueError, TypeError, RecursionError):
        raise Misconfigured("the vault does not say where its contracts are: it was changed") from None


def _remember(db: Database, made: Deployment) -> None:
    with db.write_vault() as connection:
        connection.execute(
            insert(vault.deployment).values(
                id=1,
                chain_id=made.chain_id,
                genesis_hash=made.genesis_hash,
                content=json.dumps(made.to_json()),
            )
        )
