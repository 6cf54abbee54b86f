"""How far an audit has come, kept in `DATA_DIR/audit`, so that one that was interrupted can be taken up.

One file, replaced as a whole: the SHA-256 of its content in hexadecimal, then the content as JSON. The digest
tells damage, not forgery: who may write the data folder may write this, so an audit takes it up only when
asked to, and its report lists the blocks that it took on that word as not checked. It is dropped when an
audit starts anew, and when one finds a deviation.
"""

from __future__ import annotations

import contextlib
import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ledger.audit.state import dump_replay, load_replay
from ledger.crypto.hashing import sha256
from ledger.errors import LedgerError, NotWritable
from ledger.files import write_private, writing
from ledger.index.follower import Block
from ledger.json_text import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ledger.audit.access import Expected
    from ledger.audit.replay import Replay
    from ledger.chain.contracts import Deployment

_FORM: Final = 4
#: Blocks between two states.
EVERY: Final = 1000


class Unusable(LedgerError):
    """There is no state to go on from, or not one of this chain and software; the text says which."""

    code = "no-state"


class Reached(NamedTuple):
    """Where an audit stands after `block`, all before it without a deviation.

    `counts` are what the comparisons looked at; `links` the index's link records; `checkpoints` the kept
    heads of the log, `(size, root)`, that were compared on the way.
    """

    block: Block
    replay: Replay
    counts: dict[str, int]
    links: frozenset[int]
    checkpoints: frozenset[tuple[int, bytes]]


class Progress:
    """The state file of one installation's audits."""

    def __init__(self, data_dir: Path, deployment: Deployment, every: int = EVERY) -> None:
        self._path = data_dir / "audit" / "progress"
        self._of = {
            "form": _FORM,
            "software": version("credit-ledger"),
            "deployment": deployment.to_json(),
        }
        #: Blocks between two states.
        self.every = every

    def save(self, reached: Reached) -> None:
        """Replace the state, durably; where the disk takes none, the one before stays."""
        content = json.dumps(
            self._of
            | {
                "block": [reached.block.number, reached.block.hash.hex()],
                "replay": dump_replay(reached.replay),
                "counts": reached.counts,
                "links": sorted(reached.links),
                "checkpoints": [[size, root.hex()] for size, root in sorted(reached.checkpoints)],
            },
            separators=(",", ":"),
        ).encode()
        with contextlib.suppress(NotWritable), writing():
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(self._path, sha256(content).hex().encode() + b"\n" + content)

    def load(self, severities: Mapping[int, int] | None = None, expected: Expected | None = None) -> Reached:
        """Return what was kept, to be held to these from here on (see `Replay`). Raises `Unusable`."""
        try:
            digest, _, content = self._path.read_bytes().partition(b"\n")
        except FileNotFoundError:
            raise Unusable("no earlier audit left its state") from None
        except OSError as error:
            raise Unusable(f"the state {self._path} cannot be read: {error.strerror}") from None
        if digest != sha256(content).hex().encode():
            raise Unusable(f"the state {self._path} is damaged")
        try:
            state: Any = read_json(content)
        except ValueError:
            state = None
        for name, known in self._of.items():
            if not isinstance(state, dict) or state.get(name) != known:
                raise Unusable(f"the state {self._path} is of another {name}")
        try:
            return _reached(state, severities, expected)
        except (LookupError, TypeError, ValueError, ArithmeticError, LedgerError) as error:
            raise Unusable(f"the state {self._path} cannot be taken up: {error}") from None

    def drop(self) -> None:
        """Forget the state."""
        with contextlib.suppress(FileNotFoundError), writing():
            self._path.unlink()


def _reached(
    state: dict[str, Any], severities: Mapping[int, int] | None, expected: Expected | None
) -> Reached:
    number, block_hash = state["block"]
    checkpoints: Sequence[tuple[int, str]] = state["checkpoints"]
    return Reached(
        Block(number, bytes.fromhex(block_hash)),
        load_replay(state["replay"], severities, expected),
        {name: int(count) for name, count in state["counts"].items()},
        frozenset(state["links"]),
        frozenset((size, bytes.fromhex(root)) for size, root in checkpoints),
    )
