"""Verbs that run the ledger: `start`, `rebuild`, `status`."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.common import (
    AsJson,
    ClockIsRight,
    emit,
    note,
    open_to_others,
    opened,
    read_settings,
    undone_lines,
    waiting_lines,
)
from ledger.cli.progress import bar
from ledger.domain.calendar import iso
from ledger.errors import Busy, LedgerError, WrongClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.bootstrap import Ledger
    from ledger.workflows.workers import Worker


def start(
    once: Annotated[
        bool, typer.Option("--once", help="Do the work that waits, print what is there, and end.")
    ] = False,
    sample: Annotated[
        bool, typer.Option("--sample", help="First import the recalls that come with the software.")
    ] = False,
    clock_is_right: ClockIsRight = False,
) -> None:
    """Deploy if needed, then follow, send and serve the API and the chain on loopback. 启动."""
    from ledger.bootstrap import Ledger  # noqa: PLC0415  keeps the other verbs' start quick
    from ledger.workflows.wallet_batches import waiting_now  # noqa: PLC0415

    settings = read_settings()
    begun = time.monotonic()
    with Ledger.open(settings, progress=_deploying, clock_is_right=clock_is_right) as ledger:
        note(f"chain: {ledger.node.where}, opened in {time.monotonic() - begun:.1f} s")
        for line in open_to_others(settings.data_dir):
            note(line)
        try:
            ledger.sender.drain()
        except LedgerError as error:
            if once and not isinstance(error, WrongClock):
                raise
            note(f"waiting: {error}")  # what is there can still be read, and what waits is sent later
        ledger.follower.catch_up()
        if sample:
            from ledger.cli.sample import show_sample  # noqa: PLC0415  only here

            show_sample(ledger)
        if once:
            for line in waiting_lines(waiting_now(ledger)):
                note(line)
        else:
            _serve(ledger)


def _deploying(step: str) -> None:
    """Show the steps of a first start on one line, or only the last where nobody watches."""
    number, _, many = step.partition(" ")[0].partition("/")
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[Kdeploying {step}" + ("\n" if number == many else ""))
    elif number == many:
        note(f"deployed the contracts in {many} steps")


def _serve(ledger: Ledger) -> None:
    from api.server import make_server  # noqa: PLC0415  FastAPI is not needed by other verbs

    settings = ledger.settings
    with _chain_served(ledger), _working(ledger) as workers:
        note(f"API: http://{settings.host}:{settings.port}/v1 (description: /v1/openapi.json); Ctrl-C ends")
        server = make_server(ledger, settings.host, settings.port, workers)
        # uvicorn ends on these, then raises them once more: by then they must not cut our own ending short.
        for ending in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ending, lambda _signal, _frame: None)
        server.run()


@contextlib.contextmanager
def _chain_served(ledger: Ledger) -> Iterator[None]:
    """Serve the embedded chain to other processes of this machine; a node elsewhere serves itself."""
    from ledger.chain.embedded.node import EmbeddedNode  # noqa: PLC0415  not needed with a node elsewhere
    from ledger.chain.embedded.server import ChainServer  # noqa: PLC0415

    if not isinstance(ledger.node, EmbeddedNode):
        if ledger.settings.rpc_url is None:
            raise Busy(f"another process owns the chain and serves it at {ledger.node.where}")
        yield
        return
    server = ChainServer(ledger.node)
    note(f"chain: {server.url} as JSON-RPC (reading is open here; writing needs the data folder's token)")
    try:
        yield
    finally:
        server.stop()


@contextlib.contextmanager
def _working(ledger: Ledger) -> Iterator[tuple[Worker, ...]]:
    """Send and follow in the background until the block ends."""
    from api.logs import log  # noqa: PLC0415  not needed by other verbs
    from ledger.workflows.wallet_batches import waiting_now  # noqa: PLC0415
    from ledger.workflows.workers import background  # noqa: PLC0415

    workers = background(
        ledger,
        lambda: "; ".join(waiting_lines(waiting_now(ledger))),
        note,
        lambda name, error: log.error("worker", worker=name, error=type(error).__name__, exc_info=error),
    )
    for each in workers:
        each.start()
    try:
        yield workers
    finally:
        for each in workers:
            each.stop()
        for each in workers:
            each.join()


def rebuild(as_json: AsJson = False) -> None:
    """Drop the index and make it anew from the chain: the same rows. 重建索引."""
    with opened(renew_index=True) as ledger, bar("rebuilding the index", quiet=as_json) as progress:
        begun = time.monotonic()
        followed = ledger.follower.rebuild(lambda at, last: progress(at, last, f"block {at:,}"))
        seconds = time.monotonic() - begun
    found = {"records": followed.records, "seconds": round(seconds, 3)}
    emit(as_json, found, lambda _: f"{followed.records:,} records in {seconds:.1f} s")


def status(as_json: AsJson = False) -> None:
    """Show chain, index, outbox and versions. 状态."""
    with opened() as ledger:
        found = _status(ledger)
    emit(as_json, found, _status_text)


def _status(ledger: Ledger) -> dict[str, Any]:
    from ledger.chain.connect import read_clock  # noqa: PLC0415  keeps the start quick
    from ledger.index.queries import counts  # noqa: PLC0415
    from ledger.outbox.undone import still_open  # noqa: PLC0415
    from ledger.outbox.waiting import oldest_age, waiting_since  # noqa: PLC0415
    from ledger.workflows.wallet_batches import waiting_now  # noqa: PLC0415

    latest = int(ledger.node.request("eth_blockNumber"), 16)
    with ledger.db.read_index() as index:
        counted = counts(index)._asdict()
    with ledger.db.read_vault() as vault:
        oldest = oldest_age(waiting_since(vault).values(), time.time())
    deployment = ledger.deployment
    return {
        "chain": {
            "where": ledger.node.where,
            "id": deployment.chain_id,
            "block": latest,
            "log_size": ledger.contracts.log_size(),
            "root": ledger.contracts.root().hex(),
            "credit_ledger": deployment.credit_ledger,
            "authorities": deployment.authorities,
            "score_book": deployment.score_book,
        },
        "index": counted,
        "outbox": ledger.sender.status()._asdict() | {"oldest_seconds": oldest},
        "waiting": waiting_now(ledger),
        "undone": [each.line for each in still_open(ledger.db, ledger.contracts)],
        "today": iso(ledger.today()),
        "clock": read_clock(ledger.node).fault or "agrees with the chain",
        "version": version("credit-ledger"),
        "warnings": open_to_others(ledger.settings.data_dir),
        "deployment": deployment.to_json(),
    }


def _status_text(found: dict[str, Any]) -> str:
    sentences = {"waiting", "undone", "warnings", "deployment"}
    lines = [f"{key:<8} {_line(value)}" for key, value in found.items() if key not in sentences]
    said = (*waiting_lines(found["waiting"]), *undone_lines(found["undone"]), *found["warnings"])
    return "\n".join([*lines, *said])


def _line(value: object) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{key} {part}" for key, part in value.items())
    return str(value)
