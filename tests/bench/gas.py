"""`gas`: what a record costs on the chain, beside EAS on the same node; deploy gas and contract sizes.

Gas does not depend on the machine. Every enterprise is registered, so its head exists; a run's gas includes
the log's tree, whose share varies with the peaks a batch touches: the median of several batches is given.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from nodes import Anvil
from web3 import HTTPProvider, Web3

from bench import eas
from bench.installation import on_anvil
from bench.measure import Figure, Target
from bench.posting import Poster
from ledger.chain.abi import ARTIFACTS, CONTRACTS
from ledger.outbox.gas import MAX_GAS

COMMAND = "scripts/bench gas"
SIZES = (1, 10, 100, 500)
FEW, MANY = 10, 500
#: EIP-170.
_CODE_LIMIT = 24_576
#: What a signature may add to each record of a batch of 100.
_SIGNATURE = 150
_TARGETS = {("10 enterprises", 100): 3_300, ("all distinct", 100): 12_000}


def measure(*, quick: bool) -> Iterator[Figure]:
    runs = 1 if quick else 5
    # EAS's batches of 500 need more than a block of the node's default has.
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Anvil("--gas-limit", "500000000") as anvil,
        on_anvil(anvil, Path(folder)) as ledger,
    ):
        poster = Poster(ledger)
        poster.register(MANY)
        poster.direct(poster.records(range(1, FEW + 1)))  # the authority's first record, once for all
        peer = eas.Eas(Web3(HTTPProvider(anvil.url, request_kwargs={"timeout": 300})))
        for size in (1, 10, 100) if quick else SIZES:
            peers = {
                "multiAttest": _of_peer(peer.multi_attest, size),
                "multiAttestByDelegation": _of_peer(peer.multi_attest_by_delegation, size),
                "multiTimestamp": _of_peer(peer.multi_timestamp, size),
            }
            if size == 1:
                peers["attest"] = peer.attest()
            for shape in ("10 enterprises", "all distinct"):
                yield from _records(poster, size, shape, runs, peers)
            for name, gas in peers.items():
                yield _peer(name, size, gas)
        yield from _deployment(anvil, ledger.keystore.address("deployer"), peer)


def _of_peer(post: Callable[[int], int], size: int) -> float:
    return post(size) / size


def _records(poster: Poster, size: int, shape: str, runs: int, peers: dict[str, float]) -> Iterator[Figure]:
    count = FEW if shape == "10 enterprises" else MANY
    enterprises = [1 + at % count for at in range(size)]
    ways = {"direct": (poster.direct, "multiAttest"), "signed": (poster.signed, "multiAttestByDelegation")}
    medians: list[float] = []
    for way, (post, peer) in ways.items():
        used = [post(poster.records(enterprises)).gas_used / size for _ in range(runs)]
        medians.append(statistics.median(used))
        bound = _TARGETS.get((shape, size))
        yield Figure(
            f"{size} a batch, {shape}, {way}",
            medians[-1],
            "gas/record",
            used,
            target=Target(bound, at_most=True) if bound else None,
            baseline=peers[peer],
            baseline_is=f"EAS {eas.version()} {peer}, as many a batch",
        )
    direct, signed = medians
    yield Figure(
        f"{size} a batch, {shape}, a signature adds",
        signed - direct,
        "gas/record",
        target=Target(_SIGNATURE, at_most=True) if size == 100 else None,
        baseline=peers["multiAttestByDelegation"] - peers["multiAttest"],
        baseline_is=f"what delegation adds in EAS {eas.version()}, as many a batch",
    )


def _peer(name: str, size: int, gas: float) -> Figure:
    over = gas * size > MAX_GAS
    note = f"{gas * size:,.0f} gas in one transaction, over EIP-7825's {MAX_GAS:,}" if over else ""
    return Figure(f"{size} a batch, EAS {name}", gas, "gas/record", note=note)


def _deployment(anvil: Anvil, deployer: str, peer: eas.Eas) -> Iterator[Figure]:
    created, setup = _deploy_gas(anvil, deployer)
    both = peer.registry_gas + peer.deploy_gas
    yield Figure(
        f"deploying the {len(CONTRACTS)} contracts",
        created,
        "gas",
        baseline=both,
        baseline_is="EAS and its SchemaRegistry",
    )
    yield Figure("setting them up (authorities, cards, roles)", setup, "gas")
    for name in CONTRACTS:
        size = len(json.loads((ARTIFACTS / f"{name}.json").read_bytes())["deployedBytecode"]) // 2 - 1
        yield Figure(f"code of {name}", size, "bytes", target=Target(_CODE_LIMIT, at_most=True))
    yield Figure("code of EAS", eas.code_size("EAS"), "bytes")


def _deploy_gas(anvil: Anvil, deployer: str) -> tuple[int, int]:
    """Gas of the deployer's transactions: those that create contracts, and the others."""
    created = setup = 0
    for number in range(int(anvil.request("eth_blockNumber"), 16) + 1):
        block = anvil.request("eth_getBlockByNumber", hex(number), True)
        for transaction in block["transactions"]:
            if transaction["from"].lower() == deployer.lower():
                receipt = anvil.request("eth_getTransactionReceipt", transaction["hash"])
                used = int(receipt["gasUsed"], 16)
                created, setup = (
                    (created + used, setup) if receipt["contractAddress"] else (created, setup + used)
                )
    return created, setup
