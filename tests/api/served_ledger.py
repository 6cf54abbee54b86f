"""A ledger with its API on a real socket, and the records most tests look at."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

import httpx

from ledger.domain.calendar import iso
from ledger.domain.parties import parse_party
from ledger.store.access import create_key, parse_scope

if TYPE_CHECKING:
    import uvicorn

    from ledger.bootstrap import Ledger

#: Codes with both check digits right.
FIRST = "uscc:9144030071526726XG"
SECOND = "uscc:91440606722473344C"
THIRD = "uscc:9144030010001686XA"
FOURTH = "uscc:9152000071430580XT"
ODD = "uscc:91440101633203772F"
#: Nothing is ever posted about this one.
CLEAN = "uscc:91440300192317458F"
WRITTEN_NAME = "name:CN:Hangzhou Mo Chong Trading Co., Ltd."
NAME = parse_party(WRITTEN_NAME).key


class Served(NamedTuple):
    """The open ledger, and where its API listens."""

    ledger: Ledger
    url: str

    def key(self, scope: str) -> str:
        """Make a key and return its token."""
        found = parse_scope(scope, self.ledger.authorities)
        return create_key(self.ledger.db, found, "test", int(time.time()))[1]

    def client(self, scope: str | None) -> httpx.Client:
        """Return a client with a fresh key, or without one."""
        headers = {"Authorization": f"Bearer {self.key(scope)}"} if scope else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def settle(self) -> None:
        """Bring everything accepted onto the chain and into the index."""
        self.ledger.sender.drain()
        self.ledger.follower.catch_up()


class Running:
    """Run a server in a thread; gives its address."""

    def __init__(self, server: uvicorn.Server) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.run, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        deadline = time.monotonic() + 30
        while not self._server.started:
            assert self._thread.is_alive(), "the server ended before it started"
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(30)


def record(
    served: Served, party: str, kind: str, reference: str, days_ago: int = 0, **more: object
) -> dict[str, object]:
    """Return one record to post, decided so many days ago."""
    day = iso(served.ledger.today() - days_ago)
    return {"party": party, "type": kind, "decided_on": day, "reference": reference, **more}


def post(served: Served, authority: str, *records: dict[str, object]) -> dict[str, object]:
    """Post records that must all be accepted."""
    with served.client(f"authority:{authority}") as client:
        answer = client.post("/v1/records", json={"records": list(records)})
    assert answer.status_code == 202, answer.text
    assert answer.json()["rejected"] == 0, answer.text
    found: dict[str, object] = answer.json()
    return found


def seed(served: Served) -> None:
    """Put the records most tests look at onto the chain."""
    document = {"fine": 60000, "currency": "CNY"}
    post(
        served,
        "GACC",
        record(served, FIRST, "CU04", "fine 1", 10, document=document),
        record(served, SECOND, "CU06", "dishonest 1", 9),
    )
    post(served, "SAMR", record(served, FIRST, "MR03", "abnormal 1", 5, document="经营异常名录"))
    post(served, "US-CPSC", record(served, WRITTEN_NAME, "FR01", "24-001", 30))
    served.settle()
    post(served, "GACC", record(served, SECOND, "LC03", "repair 1", 1, refers_to="dishonest 1"))
    served.settle()
