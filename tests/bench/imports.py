"""`import`: a CSV file's way through vault, chain and index, in records a second.

The baseline writes the same records, one a transaction, with web3.py contract calls on the same chain, and
waits for each receipt; it checks no row, keeps no document and builds no index.
"""

from __future__ import annotations

import csv
import gc
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eth_account import Account
from nodes import Anvil

from bench.installation import AUTHORITY, codes, on_anvil, on_embedded, plain_contract, plain_web3, register
from bench.measure import Figure, Target, Timing, rate, timed
from ledger.bootstrap import Ledger
from ledger.chain.keystore import authority_key
from ledger.cli import COLLECTOR
from ledger.domain.calendar import iso
from ledger.domain.records import Record, pack
from ledger.domain.submissions import FIELDS
from ledger.index.queries import counts
from ledger.workflows.importing import import_file

COMMAND = "scripts/bench import"
BASELINE = "web3.py, one record a transaction, receipt awaited, no vault and no index"


def measure(*, quick: bool) -> Iterator[Figure]:
    runs = 1 if quick else 3
    gc.set_threshold(*COLLECTOR)  # as the command line does
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        with on_embedded(Path(folder) / "embedded", batch=200) as ledger:
            few, many = codes(10), codes(600 if quick else 2000, start=1000)
            register(ledger, few + many)
            plain = _plain_rate(ledger, 5 if quick else 50)
            yield _figure(ledger, "embedded, batches of 200, all distinct", many, len(many), runs, plain, 400)
            yield _figure(
                ledger, "embedded, batches of 200, 10 enterprises", few, len(many) * 2, runs, plain, 2000
            )
        with Anvil() as anvil, on_anvil(anvil, Path(folder) / "anvil", batch=500) as ledger:
            register(ledger, few)
            plain = _plain_rate(ledger, 10 if quick else 100)
            size = 10_000 if quick else 40_000
            yield _figure(ledger, "anvil, batches of 500, 10 enterprises", few, size, runs, plain, 8000)


def _figure(
    ledger: Ledger, name: str, parties: Sequence[str], size: int, runs: int, plain: float, bound: float
) -> Figure:
    timings = []
    for run in range(runs):
        with rows_file(parties, size, f"{name}/{run}", ledger.today()) as path:
            timings.append(_import(ledger, path, size))
    return rate(name, size, timings, target=Target(bound), baseline=plain, baseline_is=BASELINE)


def _import(ledger: Ledger, path: Path, size: int) -> Timing:
    """Import a file and follow it into the index; every row must arrive."""
    with ledger.db.read_index() as index:
        before = counts(index).records

    def work() -> None:
        result = import_file(ledger, path, "records", ledger.authorities[AUTHORITY])
        assert (result.recorded, result.rejected) == (size, 0), result
        ledger.follower.catch_up()

    timing = timed(work)
    with ledger.db.read_index() as index:
        assert counts(index).records - before == size
    return timing


@contextmanager
def rows_file(parties: Sequence[str], size: int, tag: str, today: int) -> Iterator[Path]:
    """A CSV file of good rows by `AUTHORITY`, its parties in turn, with documents of some 200 characters."""
    kinds = ("CU01", "CU04", "CU06", "CU08")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder) / "records.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(FIELDS)
            for number in range(size):
                day = iso(today - 1 - number % 700)
                document = json.dumps(
                    {
                        "case": f"{tag}-{number}",
                        "fine": 1000 + number,
                        "currency": "CNY",
                        "text": "申报不实 " * 20,
                    },
                    ensure_ascii=False,
                )
                kind = kinds[number % len(kinds)]
                writer.writerow(
                    [parties[number % len(parties)], kind, day, day, f"{tag}-{number}", "", document]
                )
        yield path


def _plain_rate(ledger: Ledger, size: int) -> float:
    """Records a second of the baseline. The authority's key sends; the vault does not know these records."""
    web3 = plain_web3(ledger)
    contract = plain_contract(ledger, web3)
    account = Account.from_key(ledger.keystore._secret(authority_key("PLATFORM")))
    number = ledger.authorities["PLATFORM"].number
    types = ledger.catalogue.types
    kind = next(each for each in types if each.kind == "event" and "PLATFORM" in each.authorities)
    record = Record(1, kind.number, kind.severity, 20_000, 20_000, 0, bytes(range(32)))
    first = contract.functions.recordCount(number).call() + 1
    nonce = web3.eth.get_transaction_count(account.address)
    chain_id = web3.eth.chain_id

    def send(at: int) -> Any:
        fields = {"from": account.address, "nonce": nonce + at, "gas": 400_000, "chainId": chain_id}
        transaction = contract.functions.record(number, first + at, pack(record)).build_transaction(
            {**fields, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 0}
        )
        signed = account.sign_transaction(transaction)
        sent = web3.eth.send_raw_transaction(signed.raw_transaction)
        receipt = web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.005)
        assert receipt["status"] == 1

    def work() -> None:
        for at in range(size):
            send(at)

    timing = timed(work)
    ledger.follower.catch_up()  # so that what is measured next follows its own records alone
    return size / timing.seconds
