"""Nothing acknowledged is lost and nothing is recorded twice, wherever the process is killed."""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "acceptance"))

from installation import Installation, write_records
from sqlalchemy import select

from ledger.domain.parties import named_party
from ledger.domain.records import unpack_run
from ledger.store import index, vault
from ledger.store.database import open_database

KILLS = 20
ROWS = 3_000
DAY = (dt.date.today() - dt.timedelta(days=30)).isoformat()


def rows() -> list[dict[str, str]]:
    rng = random.Random(36)
    firms = [named_party("CN", f"Firm number {number} Co. Ltd.").text for number in range(60)]
    made = []
    for number in range(ROWS):
        firm = rng.choice(firms)
        row = {"party": f"name:CN:{firm}", "type": "FR01", "decided_on": DAY, "reference": f"R-{number}"}
        if number > 200 and rng.random() < 0.05:
            earlier = made[rng.randrange(number - 150)]
            if earlier["type"] == "FR01":
                row |= {"party": earlier["party"], "type": "LC03", "refers_to": earlier["reference"]}
        made.append(row)
    return made


def contents(installation: Installation) -> dict[str, Any]:
    """Every record as (reference, enterprise's party, type, days, what it refers to): what must not depend on kills."""
    with open_database(None, installation.folder) as database:
        with database.read_vault() as connection:
            known = select(vault.identities.c.enterprise, vault.identities.c.party_key)
            parties = {row.enterprise: row.party_key for row in connection.execute(known)}
            numbered = select(vault.commands.c.authority, vault.commands.c.number, vault.commands.c.reference)
            references = {
                (row.authority << 48) | row.number: row.reference for row in connection.execute(numbered)
            }
        with database.read_index() as connection:
            runs = connection.execute(select(index.runs.c.first_id, index.runs.c.records)).all()
    posted = [each for run in runs for each in unpack_run(run.first_id, run.records)]
    assert sorted(each.id & ((1 << 48) - 1) for each in posted) == list(range(1, len(posted) + 1))
    return {
        references[each.id]: (
            parties[each.enterprise],
            each.type,
            each.decided_on,
            each.conduct_on,
            references[each.ref] if each.ref else None,
        )
        for each in posted
    }


def test_twenty_kills_change_nothing(tmp_path: Path) -> None:
    path = write_records(tmp_path / "notices.csv", rows())
    command = ("import", path, "--format", "records", "--authority", "US-CPSC")
    undisturbed, killed = Installation(tmp_path / "undisturbed"), Installation(tmp_path / "killed")
    begun = time.monotonic()
    undisturbed.alone(*command)  # as long as the others take, the start of a process among it
    whole = time.monotonic() - begun

    rng = random.Random(9)
    for _ in range(KILLS):
        process = killed.begin(*command)
        time.sleep(rng.uniform(0.2, max(whole * 0.6, 1.0)))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    done = killed.json(*command)
    assert done["recorded"] + done["duplicate"] == ROWS
    assert done["duplicate"] > 0, "every kill came before the first record: they prove nothing"
    assert contents(killed) == contents(undisturbed)
    assert len(contents(killed)) == ROWS
    for installation in (undisturbed, killed):
        installation.run("checkpoint")
        report = installation.json("audit")
        assert (report["ok"], report["checked"]["records"]) == (True, ROWS)
