"""`index`: the index made anew from a chain of 100,000 records, the process's start included.

What is timed is `credit-ledger rebuild` in a process of its own, from its start to its end: interpreter,
imports, keystore, logs from anvil over HTTP, rows into SQLite or PostgreSQL.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from nodes import Anvil
from postgres import Postgres, server_folder
from sqlalchemy import BigInteger, LargeBinary, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from bench.installation import PASSPHRASE, on_anvil, plain_contract, plain_web3
from bench.measure import Figure, Target
from bench.posting import Poster
from ledger import bootstrap
from ledger.bootstrap import Ledger
from ledger.domain.records import unpack_run
from ledger.index.queries import counts
from ledger.store.database import open_database

COMMAND = "scripts/bench index"
COMMAND_LINE = Path(sys.executable).with_name("credit-ledger")
TARGET = Target(50_000)
BASELINE = (
    "web3.py get_logs and process_log, one ORM row a record into SQLite; on the first {:,} records, as a rate"
)
#: Records of one enterprise in a batch, by shape: batches have 1,000 and 500 records.
SHAPES = {"runs of 100 records": (10, 1000), "runs of one record": (500, 500)}


def measure(*, quick: bool) -> Iterator[Figure]:
    size, runs = (10_000, 1) if quick else (100_000, 5)
    for shape, (enterprises, batch) in SHAPES.items():
        with (
            tempfile.TemporaryDirectory(prefix="bench-") as folder,
            Anvil() as anvil,
            on_anvil(anvil, Path(folder) / "data") as ledger,
        ):
            poster = Poster(ledger)
            poster.register(enterprises)
            parties = [1 + at % enterprises for at in range(batch)]
            poster.fill(poster.records(parties) for _ in range(size // batch))
            subset = min(size, 5_000)
            plain = _plain_rate(ledger, Path(folder), subset)
            more = {"baseline": plain, "baseline_is": BASELINE.format(subset)}
            yield _figure(f"SQLite, {shape}", ledger, None, size, runs, **more)
            programs = server_folder()
            if programs is None:
                continue
            with Postgres(programs) as server:
                url = server.new_database()
                with open_database(url, ledger.settings.data_dir) as database:
                    bootstrap._remember(database, ledger.deployment)
                yield _figure(f"PostgreSQL, {shape}", ledger, url, size, runs, **more)


def _figure(name: str, ledger: Ledger, url: str | None, size: int, runs: int, **more: object) -> Figure:
    """Rebuild from nothing and over what is there, as the median of `runs`; then count the rows."""
    environment = {
        **os.environ,
        "CREDIT_LEDGER_DATA_DIR": str(ledger.settings.data_dir),
        "CREDIT_LEDGER_RPC_URL": str(ledger.settings.rpc_url),
        "CREDIT_LEDGER_PASSPHRASE": PASSPHRASE,
    }
    environment.pop("CREDIT_LEDGER_DATABASE_URL", None)
    if url:
        environment["CREDIT_LEDGER_DATABASE_URL"] = url
    seconds, cpu = [], []
    for _ in range(runs):
        before = os.times()
        began = time.perf_counter()
        subprocess.run(
            [COMMAND_LINE, "rebuild", "--json"],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        seconds.append(time.perf_counter() - began)
        after = os.times()
        cpu.append(after[2] + after[3] - before[2] - before[3])
    with open_database(url, ledger.settings.data_dir) as database, database.read_index() as index:
        assert counts(index).records == size, counts(index)
    rates = [size / each for each in seconds]
    return Figure(
        name,
        statistics.median(rates),
        "records/s",
        rates,
        target=TARGET,
        cpu=size / statistics.median(cpu),
        note=f"{statistics.median(seconds):.2f} s",
        **more,  # type: ignore[arg-type]
    )


class _Base(DeclarativeBase):
    pass


class _Row(_Base):
    __tablename__ = "records"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    enterprise: Mapped[int]
    type: Mapped[int]
    severity: Mapped[int]
    conduct_on: Mapped[int]
    decided_on: Mapped[int]
    ref: Mapped[int]
    commitment: Mapped[bytes] = mapped_column(LargeBinary)


def _plain_rate(ledger: Ledger, folder: Path, size: int) -> float:
    """Records a second of the baseline."""
    web3 = plain_web3(ledger)
    event = plain_contract(ledger, web3).events.Recorded()
    engine = create_engine(f"sqlite:///{folder / 'plain.db'}")
    _Base.metadata.create_all(engine)
    began, done, block = time.perf_counter(), 0, ledger.deployment.block
    with Session(engine) as session:
        while done < size:
            logs = event.get_logs(from_block=block, to_block=block + 1)
            for each in logs:
                run = unpack_run(each["args"]["firstRecordId"], each["args"]["records"])
                session.add_all(_Row(**posted._asdict()) for posted in run)
                done += len(run)
            session.commit()
            block += 2
    return done / (time.perf_counter() - began)
