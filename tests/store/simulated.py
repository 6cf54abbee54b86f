"""A chain that exists only as blocks and logs: forks and failures on demand, any number of facts, no EVM.

It answers the four questions a follower asks, with logs encoded as the contracts encode them.
"""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, Any

from ledger.chain.abi import event_topics
from ledger.chain.contracts import Deployment
from ledger.crypto.heads import genesis_head, next_head
from ledger.domain.records import Record, pack, record_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

AUTHORITIES, LEDGER, BOOK, OBJECTIONS = ("0x" + digit * 40 for digit in "abce")
DEPLOYMENT = Deployment(
    chain_id=1,
    genesis_hash="0x" + "00" * 32,
    access_manager="0x" + "d" * 40,
    authorities=AUTHORITIES,
    credit_ledger=LEDGER,
    score_book=BOOK,
    objections=OBJECTIONS,
    keeper="0x" + "f" * 40,
    block=1,
)
Log = tuple[str, list[str], bytes]


def word(value: int | bytes) -> bytes:
    return value.to_bytes(32, "big") if isinstance(value, int) else value.rjust(32, b"\0")


def log(contract: str, event: str, topics: Sequence[int | bytes], *data: int | bytes) -> Log:
    addresses = (AUTHORITIES, LEDGER, BOOK, OBJECTIONS)
    address = dict(zip(("Authorities", "CreditLedger", "ScoreBook", "Objections"), addresses, strict=True))[
        contract
    ]
    first = event_topics(contract)[event]
    return address, ["0x" + each.hex() for each in (first, *map(word, topics))], b"".join(map(word, data))


def recorded(enterprise: int, authority: int, first_id: int, leaf: int, head: bytes, records: bytes) -> Log:
    address, topics, data = log(
        "CreditLedger", "Recorded", [enterprise, authority], first_id, leaf, head, 128, len(records)
    )
    return address, topics, data + records


class SimulatedChain:
    """Blocks of logs. `fork(depth)` forgets the last blocks; what is mined then has other hashes."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.where = "a simulated chain"
        self.blocks: list[tuple[bytes, int, list[Log]]] = [(b"\0" * 32, 1000, [])]
        self.calls = 0
        #: Called with (number of the call, method) before each call; may raise, mine or fork.
        self.before: Callable[[int, str], None] = lambda _count, _method: None
        self._forks = 0

    # ------------------------------------------------------------------ mining

    def mine(self, *logs: Log) -> None:
        parent, when, _ = self.blocks[-1]
        salt = f"{self._forks}/{len(self.blocks)}".encode()
        self.blocks.append((hashlib.sha256(parent + salt).digest(), when + 12, list(logs)))

    def fork(self, depth: int) -> None:
        depth = min(depth, len(self.blocks) - 1)
        if depth:
            del self.blocks[-depth:]
            self._forks += 1

    def state(self) -> tuple[int, int, dict[int, bytes], dict[int, int], list[tuple[int, int]]]:
        """What the logs so far come to: enterprises, leaves, heads, records by authority, and (id, type) of all."""
        heads: dict[int, bytes] = {}
        counts: dict[int, int] = {}
        leaves, ids = 0, []
        for _, _, logs in self.blocks:
            for _, topics, data in logs:
                if topics[0][2:] == event_topics("CreditLedger")["Registered"].hex():
                    enterprise = int(topics[1], 16)
                    heads[enterprise] = genesis_head(enterprise, data)
                elif topics[0][2:] == event_topics("CreditLedger")["Recorded"].hex():
                    enterprise, authority, first = (
                        int(topics[1], 16),
                        int(topics[2], 16),
                        int.from_bytes(data[:32], "big"),
                    )
                    records = data[160:]
                    heads[enterprise] = data[64:96]
                    many = len(records) // 64
                    counts[authority] = (first & (1 << 48) - 1) + many - 1
                    ids += [(first + n, records[64 * n + 9]) for n in range(many)]
                    leaves += 1
        return len(heads), leaves, heads, counts, ids

    def batch(self, authority: int, records: Sequence[Record]) -> list[Log]:
        """The logs of one batch of records, sorted by enterprise, as the contract would write them."""
        _, leaf, heads, counts, _ = self.state()
        number = counts.get(authority, 0) + 1
        logs = [log("CreditLedger", "BatchRecorded", [authority, b"\x11" * 20], number, len(records))]
        for enterprise in sorted({each.enterprise for each in records}):
            packed = b"".join(pack(each) for each in records if each.enterprise == enterprise)
            first = record_id(authority, number)
            heads[enterprise] = next_head(heads[enterprise], first, packed)
            logs.append(recorded(enterprise, authority, first, leaf, heads[enterprise], packed))
            number, leaf = number + len(packed) // 64, leaf + 1
        return logs

    def mine_anything(self) -> None:
        """Mine one block of random facts, or an empty one."""
        pick, (enterprises, _, _, _, ids) = self.random, self.state()
        kind = pick.randrange(8)
        if kind == 0 or enterprises < 3:
            self.mine(
                *(
                    log("CreditLedger", "Registered", [enterprises + n], pick.randbytes(32))
                    for n in range(1, 4)
                )
            )
        elif kind == 1:
            self.mine()
        elif kind == 2:
            self.mine(*self._governance())
        else:
            authority = pick.randrange(1, 3)
            own = [each for each in ids if each[0] >> 48 == authority]
            made = [self._record(enterprises, own) for _ in range(pick.randrange(1, 9))]
            self.mine(*self.batch(authority, sorted(made, key=lambda each: each.enterprise)))

    def _record(self, enterprises: int, own: list[tuple[int, int]]) -> Record:
        pick = self.random
        about = pick.randrange(1, enterprises + 1)
        kind = pick.choice([4, 4, 4, 5, 248, 241, 242])
        ref = 0
        if kind == 248:
            ref = about % enterprises + 1
        elif kind > 239:
            if not own:
                return self._record(enterprises, own)
            links = [each for each, type_ in own if type_ >= 240]
            ref = pick.choice(links) if links and pick.random() < 0.6 else pick.choice(own)[0]
        return Record(about, kind, pick.randrange(4), 1, 2, ref, pick.randbytes(32))

    def _governance(self) -> list[Log]:
        pick, at = self.random, len(self.blocks)
        every = [
            log("Authorities", "AuthorityAdded", [at], b"CODE".ljust(32, b"\0")),
            log("Authorities", "MandateSet", [1], (1 << 256) - 1, 2, 5),
            log("Authorities", "KeySet", [1, b"\x11" * 20], 5, (1 << 64) - 1),
            log("Authorities", "KeyCompromised", [1, b"\x11" * 20], 5),
            log("Authorities", "FourEyesSet", [1], pick.randrange(2)),
            log("Authorities", "SuspensionSet", [1], pick.randrange(2)),
            log("CreditLedger", "SignaturesInvalidated", [1], 1 + pick.randrange(9)),
            log("CreditLedger", "TreeHead", [], at, pick.randbytes(32)),
            log("ScoreBook", "CardRegistered", [pick.randbytes(32)], 19_000),
            log("Objections", "AnswerPeriodSet", [], 20, 19_000),
            log("Objections", "EnterpriseKeySet", [1], b"\x33" * 20),
            log("Objections", "ObjectionOpened", [at, 1, 1 << 48 | 1], b"\x33" * 20, 1, 21, b"g" * 32),
            log("Objections", "ObjectionAnswered", [at], b"\x11" * 20, 3, b"a" * 32),
            log(
                "ScoreBook",
                "AssessmentPublished",
                [at, b"\x22" * 32],
                19_000,
                pick.randbytes(32),
                7,
                3,
                9,
                b"h" * 32,
            ),
        ]
        return pick.sample(every, pick.randrange(1, len(every)))

    # ------------------------------------------------------------------ answering

    def request(self, method: str, *params: Any) -> Any:
        self.calls += 1
        self.before(self.calls, method)
        if method == "eth_blockNumber":
            return hex(len(self.blocks) - 1)
        if method == "eth_getBlockByNumber":
            number = len(self.blocks) - 1 if params[0] == "latest" else int(params[0], 16)
            if number >= len(self.blocks):
                return None
            block_hash, when, _ = self.blocks[number]
            return {"number": hex(number), "hash": "0x" + block_hash.hex(), "timestamp": hex(when)}
        assert method == "eth_getLogs"
        asked = params[0]
        first, last = int(asked["fromBlock"], 16), int(asked["toBlock"], 16)
        return [
            {
                "address": address,
                "topics": topics,
                "data": "0x" + data.hex(),
                "blockNumber": hex(number),
                "blockHash": "0x" + self.blocks[number][0].hex(),
                "blockTimestamp": hex(self.blocks[number][1]),
                "logIndex": hex(index),
            }
            for number in range(first, min(last, len(self.blocks) - 1) + 1)
            for index, (address, topics, data) in enumerate(self.blocks[number][2])
            if address in asked["address"]
        ]

    def requests(self, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        return [self.request(method, *params) for method, *params in calls]

    def close(self) -> None:
        pass
