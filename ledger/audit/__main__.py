"""`python -m ledger.audit FILE`: the verifier alone, where there is nothing but Python and two packages.

It needs `ledger/{audit,crypto,domain,scoring}` and `ledger/errors.py`, a Keccak (`safe-pysha3`, or `eth-hash`
with `pycryptodome`) and, to check signatures of checkpoints, `cryptography`. No network, node or database.
"""

from __future__ import annotations

import argparse

from ledger.audit.command import read_bounded, report, trusted_from
from ledger.audit.signed import WrongKind
from ledger.audit.terminal import run


def main() -> int:
    """Verify one file; print what it claims, or the rule that does not hold. Returns the exit code.

    0: it is proven (see `report`); 1: it is not, or it failed; 2: usage; 130: interrupted. Raises
    `LedgerError`, `OSError`.
    """
    parser = argparse.ArgumentParser(
        prog="python -m ledger.audit", description="Verify an evidence file offline."
    )
    parser.add_argument("file", help="evidence file; - is standard input")
    many = {"action": "append", "default": []}
    parser.add_argument("--key", **many, metavar="VKEY", help="the log's key: must have signed")  # type: ignore[arg-type]
    parser.add_argument("--witness", **many, metavar="VKEY", help="a witness's key: must have cosigned")  # type: ignore[arg-type]
    parser.add_argument(
        "--quorum", type=int, help="how many of the witnesses must have cosigned; default: all"
    )
    parser.add_argument("--card", **many, metavar="FILE|HASH", help="a scorecard you know")  # type: ignore[arg-type]
    parser.add_argument(
        "--not-older-than", metavar="SPAN|DATE", help="refuse what was signed before: 36h, 30d, a day"
    )
    parser.add_argument(
        "--allow-incomplete", action="store_true", help="exit 0 though the record is not proven complete"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    try:
        data = read_bounded(given.file)
        trusted = trusted_from(given.key, given.witness, given.quorum, given.card, given.not_older_than)
    except WrongKind as wrong:
        parser.error(str(wrong))
    return report(data, trusted, given.file, given.json, given.allow_incomplete)


if __name__ == "__main__":
    run(main)
