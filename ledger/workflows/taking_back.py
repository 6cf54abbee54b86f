"""Taking back blocks of the embedded chain that were made while the clock was wrong, and doing again what was
in them.

Registrations and records are in the vault and go to the chain again by themselves, under the same numbers.
What somebody did by a single call is kept as to be done again (`outbox.undone`) before the blocks go, and so
is that they go: killed anywhere, it is taken up where it stopped by the next. Nothing is taken back that was
given out under a signature: a checkpoint over one of these blocks stays true, or the operator has signed two
histories.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final, TypedDict

from sqlalchemy import delete, select

from ledger.chain.connect import accept_clock
from ledger.chain.logs import read_facts
from ledger.domain.calendar import day_of, iso_instant
from ledger.domain.facts import AuthorityAdded
from ledger.errors import Busy, Conflict, Misconfigured
from ledger.files import write_private
from ledger.outbox import undone
from ledger.outbox.sealing import sealed_by_authority
from ledger.outbox.sightings import forget_orphans
from ledger.outbox.unsealing import unseal_where
from ledger.store.vault import assessments, scores
from ledger.workflows.kept_checkpoints import kept_checkpoints
from ledger.workflows.taken_back import Plan, plan_of

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.chain.embedded.node import EmbeddedNode
    from ledger.workflows.office import Office

#: Folder, in the data folder, of what was taken back.
FOLDER: Final = "taken-back"
#: Seconds over which blocks may have been made by a wrong clock before somebody must confirm the right one.
_LONG: Final = 86_400
_PATIENCE: Final = 60.0


class TakenBackDict(TypedDict):
    """What was taken back. Blocks by number; `file` holds them.

    `again` and `acts` are all that is still to be done again, a numbered sentence for each call. `resumed`:
    an earlier taking back had not got to the end, and now has.
    """

    blocks: int
    first: int | None
    last: int | None
    registrations: int
    records: int
    assessments: int
    waiting: int
    again: list[str]
    acts: list[str]
    file: str | None
    resumed: bool


def take_back(ledger: Office, *, acts_too: bool = False, confirmed: bool = False) -> TakenBackDict:
    """Remove the blocks made ahead of the clock; the next drain sends their records again.

    `acts_too`: also where a governor's acts are among them, which must then be done again before anything is
    sent. `confirmed`: somebody looked at the clock, which is asked for where the blocks were made over more
    than a day: it could be the clock now that is wrong. Raises `Conflict` where something cannot be taken
    back, with nothing changed; `Busy`, `Misconfigured` (a node elsewhere).
    """
    node, plan, file, waiting = _embedded(ledger), Plan([]), None, 0
    with ledger.db.lock("sender", timeout=_PATIENCE):
        removed = node.made_ahead()
        with ledger.db.read_vault() as vault:
            begun = undone.taking(vault)
        if removed:
            undone.settle(ledger.db, ledger.contracts)
            plan = plan_of(ledger, removed)
            _refuse(ledger, plan, acts_too=acts_too, confirmed=confirmed)
            file = _keep(ledger.settings.data_dir, plan)
            with ledger.db.write_vault() as vault:
                undone.keep(vault, int(time.time()), removed[0].header.number, plan.undone)
            node.take_back(removed)
        if removed or begun:
            if begun is None or abs(time.time() - begun.at) < _LONG:
                accept_clock(node)  # whoever takes back has looked at the clock, and not long ago
            forget_orphans(ledger.db, node)
            waiting = _unseal_days_to_come(ledger)
            forget_assessments(ledger)
            with ledger.db.write_vault() as vault:
                undone.taken(vault)
    ledger.follower.catch_up()
    return _report(ledger, plan, file, waiting, resumed=begun is not None)


def forget_assessments(ledger: Office, *, anchored: bool = False) -> int:
    """Drop the assessments that the chain does not have; return how many.

    `anchored`: only if it once had one of them; a run that was never published is for the next one to finish.
    """
    beyond = assessments.c.epoch > ledger.contracts.epoch_count()
    with ledger.db.write_vault() as vault:
        gone = list(vault.execute(select(assessments.c.epoch, assessments.c.anchored).where(beyond)))
        if anchored and not any(each.anchored for each in gone):
            return 0
        epochs = [each.epoch for each in gone]
        vault.execute(delete(scores).where(scores.c.epoch.in_(epochs)))
        vault.execute(delete(assessments).where(assessments.c.epoch.in_(epochs)))
    return len(epochs)


def _embedded(ledger: Office) -> EmbeddedNode:
    from ledger.chain.embedded.node import EmbeddedNode  # noqa: PLC0415  not needed with a node elsewhere

    if ledger.settings.rpc_url is not None:
        raise Misconfigured("--take-back is for the embedded chain; blocks of a node elsewhere are not ours")
    if not isinstance(ledger.node, EmbeddedNode):
        raise Busy(f"another process owns the chain ({ledger.node.where}): end `credit-ledger start` first")
    return ledger.node


# ---------------------------------------------------------------------- what cannot be taken back


def _refuse(ledger: Office, plan: Plan, *, acts_too: bool, confirmed: bool) -> None:
    """Raise `Conflict` where the blocks must stay, or somebody must say more first."""
    first, last = plan.removed[0], plan.removed[-1]
    _refuse_deployment(ledger, first.header.number)
    _refuse_given_out(ledger.settings.data_dir, first.header.number)
    if last.reading - first.reading > _LONG and not confirmed:
        raise Conflict(
            f"{len(plan.removed)} blocks were made over {(last.reading - first.reading) // 3600} hours by"
            f" a clock that showed {iso_instant(first.reading)} and later. If the clock is right now"
            f" ({iso_instant(int(time.time()))}), give --clock-is-right too; nothing was taken back"
        )
    if plan.acts and not acts_too:
        raise Conflict(
            "acts of the governor are among the blocks, and records sent before they are done again would be"
            " judged without them: "
            + "; ".join(plan.acts)
            + ". To take them back as well and do them again, give --acts-too; nothing was taken back"
        )


def _refuse_deployment(ledger: Office, first: int) -> None:
    deployment = ledger.deployment
    at = hex(max(first - 1, 0))
    codes = ledger.node.requests([("eth_getCode", address, at) for address in deployment.addresses])
    if first <= deployment.block or "0x" in codes or not _set_up(ledger, first - 1):
        raise Conflict(
            "the ledger itself was set up while the clock was wrong: there is nothing to go back to."
            " Begin a new data folder and import again"
        )


def _set_up(ledger: Office, last: int) -> bool:
    """Whether all authorities of the set-up were there at a block: they are added after the contracts."""
    addresses, first = ledger.deployment.addresses, ledger.deployment.block
    from ledger.domain.catalogue import default_authorities  # noqa: PLC0415  only here

    facts = read_facts(ledger.node, addresses, first, min(last, first + 200))
    added = sum(isinstance(fact, AuthorityAdded) for fact in facts)
    return added >= len(default_authorities())


def _refuse_given_out(data_dir: Path, first: int) -> None:
    for path, checkpoint, _ in kept_checkpoints(data_dir):
        said = checkpoint.statement
        if said is None or said.block.number >= first:
            block = f"block {said.block.number}" if said else "an unknown block"
            raise Conflict(
                f"a checkpoint over {block} was signed and kept ({path.name}): whoever has it would see"
                f" another history. Blocks from {first} on stay; the chain goes on when the"
                " clock has reached them"
            )


# ---------------------------------------------------------------------- taking back


def _keep(data_dir: Path, plan: Plan) -> Path:
    """Write what is removed into a file, so that it can be seen what was taken back."""
    now, removed = int(time.time()), plan.removed
    first, last = removed[0].header.number, removed[-1].header.number
    folder = data_dir / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{first}-{last}-{now}.json"
    content: dict[str, Any] = {
        "taken_back_at": iso_instant(now),
        "again": plan.again,
        "acts": plan.acts,
        "blocks": [
            {
                "number": each.header.number,
                "hash": each.header.hash.hex(),
                "time": each.header.timestamp,
                "clock": each.reading,
                "transaction": None if each.transaction is None else each.transaction.hex(),
            }
            for each in removed
        ],
    }
    write_private(path, json.dumps(content, indent=1).encode())
    return path


def _unseal_days_to_come(ledger: Office) -> int:
    """Let records of days to come wait for numbers: the contract takes none before its day."""
    today = day_of(int(time.time()))
    waiting = 0
    with ledger.db.write_vault() as vault:
        for authority in sealed_by_authority(vault):
            recorded = ledger.contracts.record_count(authority)
            waiting += unseal_where(vault, authority, recorded, lambda each: each.decided_on > today)
    return waiting


def _report(ledger: Office, plan: Plan, file: Path | None, waiting: int, *, resumed: bool) -> TakenBackDict:
    numbers = [each.header.number for each in plan.removed]
    left = undone.still_open(ledger.db, ledger.contracts)
    return {
        "blocks": len(numbers),
        "first": numbers[0] if numbers else None,
        "last": numbers[-1] if numbers else None,
        "registrations": plan.registrations,
        "records": plan.records,
        "assessments": plan.assessments,
        "waiting": waiting,
        "again": [each.line for each in left if not each.holds],
        "acts": [each.line for each in left if each.holds],
        "file": None if file is None else str(file),
        "resumed": resumed,
    }
