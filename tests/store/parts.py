"""A house's parts under the names the workflows know them by, with a data folder."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from house import CATALOGUE

from ledger.chain.contracts import Contracts
from ledger.scoring.cards import load_cards

if TYPE_CHECKING:
    from pathlib import Path

    from house import House


def parts(house: House, folder: Path) -> Any:
    """What `ledger.bootstrap.Ledger` holds, as far as checkpoints, evidence, assessments and audits need it."""
    return SimpleNamespace(
        settings=SimpleNamespace(data_dir=folder),
        node=house.node,
        db=house.database,
        deployment=house.deployment,
        contracts=Contracts(house.node, house.deployment),
        keystore=house.keystore,
        catalogue=CATALOGUE,
        cards=load_cards(),
        follower=house.follower(),
    )
