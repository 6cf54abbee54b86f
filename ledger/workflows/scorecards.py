"""Scorecards of an installation: the packaged ones, and the operator's own once the chain has them.

An own card is a file in the data folder's `cards`. It counts from the moment its hash is registered: until
then no score is made with it. An auditor who recomputes scores puts the same file into a folder of his own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict

from ledger.domain.calendar import iso
from ledger.errors import BadValue, Conflict, Misconfigured
from ledger.files import write_private
from ledger.scoring.cards import card_in_force, in_date_order, load_cards, parse_card
from ledger.workflows.governing import govern

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.chain.contracts import Contracts
    from ledger.scoring.cards import Scorecard
    from ledger.workflows.governing import ActDict
    from ledger.workflows.office import Office

#: Folder of the operator's own cards, in the data folder.
FOLDER: Final = "cards"


class CardDict(TypedDict):
    """A card: its hash in hexadecimal, its first day, whether the chain has it, whether it holds today."""

    name: str
    hash: str
    effective_on: str
    registered: bool
    in_force: bool


def own_cards(data_dir: Path) -> tuple[Scorecard, ...]:
    """Read the operator's own cards. Raises `Misconfigured`, naming the file."""
    files = sorted((data_dir / FOLDER).glob("*.toml"))
    return tuple(parse_card(each.read_text(encoding="utf-8"), str(each)) for each in files)


def cards_in_use(contracts: Contracts, data_dir: Path) -> tuple[Scorecard, ...]:
    """Return the packaged cards and those own ones that the chain has, by date. Raises `Misconfigured`."""
    own = (each for each in own_cards(data_dir) if contracts.card_effective_on(each.hash))
    return in_date_order({each.hash: each for each in (*load_cards(), *own)}.values())


def list_cards(ledger: Office) -> list[CardDict]:
    """Return every card that is packaged or kept, by date."""
    known = {each.hash: each for each in (*ledger.cards, *own_cards(ledger.settings.data_dir))}
    now = card_in_force(ledger.cards, ledger.today())
    return [
        {
            "name": each.name,
            "hash": each.hash.hex(),
            "effective_on": iso(each.effective_on),
            "registered": bool(ledger.contracts.card_effective_on(each.hash)),
            "in_force": each == now,
        }
        for each in sorted(known.values(), key=lambda card: card.effective_on)
    ]


def register_card(ledger: Office, text: str, where: str) -> ActDict:
    """Keep a card (TOML) and have the governor register its hash; `where` names the file in errors.

    Raises `Misconfigured` (not a card), `Conflict` (the chain has it), `BadValue` (its date is another
    card's, or not after the last day assessed), and what `govern` raises.
    """
    card, contracts = parse_card(text, where), ledger.contracts
    if contracts.card_effective_on(card.hash):
        raise Conflict(f"the card {card.name!r} ({card.hash.hex()}) is registered already")
    try:
        in_date_order((*ledger.cards, card))
    except Misconfigured as error:
        raise BadValue("effective_on", iso(card.effective_on), str(error)) from None
    assessed = contracts.assessment(contracts.epoch_count())[1] if contracts.epoch_count() else 0
    if card.effective_on <= assessed:
        why = f"not after {iso(assessed)}, the last day assessed, whose scores stand"
        raise BadValue("effective_on", iso(card.effective_on), why)
    # Kept first: a registered hash whose card is lost could score nobody.
    folder = ledger.settings.data_dir / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    write_private(folder / f"{iso(card.effective_on)}-{card.hash.hex()[:16]}.toml", text.encode())
    what = f"card {card.name!r} ({card.hash.hex()}) in effect from {iso(card.effective_on)} on"
    return govern(ledger, contracts.register_card(card.hash, card.effective_on), what)
