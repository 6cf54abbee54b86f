"""Real nodes for tests: anvil from npm, on a private port."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
ANVIL = ROOT / "contracts" / "node_modules" / ".bin" / "anvil"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Anvil:
    """One anvil process; `fund` gives an address money, as a consortium's genesis would."""

    def __init__(self, *options: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # Run as it is: npm's link names its interpreter, and a wrapper in its place is no script of Node's.
        command = [str(ANVIL), "--port", str(self.port), "--hardfork", "prague", "--silent", *options]
        environment = {**os.environ, "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL
        )

    def __enter__(self) -> Self:
        deadline = time.monotonic() + 20
        while True:
            try:
                self.request("eth_chainId")
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.stop()
                    raise
                time.sleep(0.05)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 9)
        self.process.wait(10)

    def request(self, method: str, *params: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            reply = json.load(answer)
        if "error" in reply:
            raise RuntimeError(reply["error"])
        return reply["result"]

    def fund(self, *addresses: str) -> None:
        for address in addresses:
            self.request("anvil_setBalance", address, hex(10**24))
