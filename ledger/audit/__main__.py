"""`python -m ledger.audit FILE`: the verifier alone, where there is nothing but Python and two packages.

It needs `ledger/{audit,crypto,domain,scoring}` and `ledger/errors.py`, a Keccak (`safe-pysha3`, or `eth-hash`
with `pycryptodome`) and, to check signatures of checkpoints, `cryptography`. No network, node or database.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ledger.audit.claims import claims_dict, claims_text
from ledger.audit.verifier import MAX_BYTES, Trusted, verify_evidence
from ledger.crypto.notes import VerifierKey
from ledger.errors import LedgerError


def main() -> int:
    """Verify one file; print what it claims, or the rule that does not hold. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m ledger.audit", description="Verify an evidence file offline."
    )
    parser.add_argument("file", help="evidence file; - is standard input")
    parser.add_argument(
        "--key", action="append", default=[], metavar="VKEY", help="the log's key: must have signed"
    )
    parser.add_argument("--witness", action="append", default=[], metavar="VKEY", help="a witness's key")
    parser.add_argument(
        "--quorum", type=int, help="how many of the witnesses must have cosigned; default: all"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    try:
        data = read_bounded(given.file)
        keys = [VerifierKey.parse(each) for each in (*given.key, *given.witness)]
        quorum = len(given.witness) if given.quorum is None else given.quorum
        verdict = verify_evidence(data, Trusted(keys=keys, quorum=quorum))
    except OSError as error:
        sys.stderr.write(f"error: {given.file}: {error.strerror}\n")
        return 1
    except LedgerError as refused:
        if given.json:
            sys.stdout.write(json.dumps({"ok": False, "rule": refused.code, "why": str(refused)}) + "\n")
        else:
            sys.stderr.write(
                f"{given.file}: the evidence does NOT hold 证据不成立: {refused.code}: {refused}\n"
            )
        return 1
    shown = (
        json.dumps(claims_dict(verdict), ensure_ascii=False) + "\n" if given.json else claims_text(verdict)
    )
    sys.stdout.write(shown)
    return 0


def read_bounded(file: str) -> bytes:
    """Read a file no further than evidence can be long. Raises `OSError`."""
    if file == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with Path(file).open("rb") as source:
        return source.read(MAX_BYTES + 1)


if __name__ == "__main__":
    raise SystemExit(main())
