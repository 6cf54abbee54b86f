"""The client of `http`, in a process of its own: some keep-alive connections, each asking again once answered.

    python -m bench.load URL-of-host PATHS-file TOKEN CONNECTIONS SECONDS

Loopback only. Prints JSON: requests, seconds, latencies in milliseconds (p50, p99), and answers by status.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from itertools import count
from pathlib import Path

from bench.measure import percentile


class Load:
    """Requests under way until a moment, and what came of them."""

    def __init__(self, port: int, paths: list[str], token: str) -> None:
        self._port, self._paths, self._token = port, paths, token
        self._turn = count()
        self.taken: list[float] = []
        self.statuses: Counter[int] = Counter()

    async def connection(self, until: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            while time.perf_counter() < until:
                path = self._paths[next(self._turn) % len(self._paths)]
                began = time.perf_counter()
                writer.write(
                    f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self._token}\r\n\r\n".encode()
                )
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(_length(head))
                self.taken.append((time.perf_counter() - began) * 1000)
                self.statuses[int(head[9:12])] += 1
        finally:
            writer.close()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    raise ValueError("an answer without a length")


async def run(port: int, paths: list[str], token: str, connections: int, seconds: float) -> dict[str, object]:
    load = Load(port, paths, token)
    began = time.perf_counter()
    await asyncio.gather(*(load.connection(began + seconds) for _ in range(connections)))
    taken = time.perf_counter() - began
    return {
        "requests": len(load.taken),
        "seconds": taken,
        "p50": percentile(load.taken, 0.5),
        "p99": percentile(load.taken, 0.99),
        "statuses": load.statuses,
    }


if __name__ == "__main__":
    given_port, paths_file, given_token, connections, seconds = sys.argv[1:]
    asked = Path(paths_file).read_text(encoding="utf-8").splitlines()
    print(json.dumps(asyncio.run(run(int(given_port), asked, given_token, int(connections), float(seconds)))))
