"""Which checkpoint may follow which: nothing counted falls, nothing counted alike differs, one block is one state."""

from __future__ import annotations

import pytest

from ledger.crypto.checkpoints import (
    Authorities,
    BlockLine,
    Checkpoint,
    Counted,
    Forked,
    Statement,
    check_successor,
)

SAID = Statement(
    BlockLine(100, b"b" * 32, 5000),
    6000,
    Counted(5, b"h" * 32),
    Authorities(2, 6, b"a" * 32),
    Counted(3, b"o" * 32),
    Counted(1, b"s" * 32),
)
OLD = Checkpoint("log", 12, b"r" * 32, SAID)
LATER = SAID._replace(block=BlockLine(101, b"c" * 32, 5001))


def moved(**changes: object) -> Checkpoint:
    return OLD._replace(statement=LATER._replace(**changes))


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        OLD._replace(statement=SAID._replace(time=6001)),
        moved(),
        moved(assessments=Counted(2, b"t" * 32)),
        moved(objections=Counted(4, b"p" * 32)),
        moved(authorities=Authorities(2, 7, b"x" * 32)),
        moved(heads=Counted(6, b"i" * 32), objections=Counted(3, b"q" * 32)),
        moved(heads=Counted(5, b"i" * 32))._replace(size=13, root=b"z" * 32),
    ],
)
def test_what_may_follow(new: Checkpoint) -> None:
    check_successor(OLD, new)


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (OLD._replace(origin="other"), "two logs"),
        (OLD._replace(statement=None), "has not"),
        (OLD._replace(size=11), "log size: 12"),
        (OLD._replace(root=b"x" * 32), "log size: two states"),
        (moved(time=5999), "time of signing"),
        (moved(block=BlockLine(99, b"c" * 32, 5001)), "block: 100"),
        (moved(block=BlockLine(101, b"c" * 32, 4999)), "block's time"),
        (OLD._replace(statement=SAID._replace(block=BlockLine(100, b"x" * 32, 5000))), "block: two states"),
        (OLD._replace(statement=SAID._replace(assessments=Counted(2, b"t" * 32))), "block: two states"),
        (moved(heads=Counted(4, b"h" * 32)), "enterprises: 5"),
        (moved(heads=None, objections=None), "enterprises: 5"),
        (moved(heads=Counted(5, b"x" * 32)), "two roots of heads"),
        (moved(authorities=Authorities(1, 6, b"a" * 32)), "authorities: 2"),
        (moved(authorities=Authorities(2, 5, b"a" * 32)), "facts about authorities: 6"),
        (moved(authorities=Authorities(2, 6, b"x" * 32)), "facts about authorities: two states"),
        (moved(objections=Counted(2, b"o" * 32)), "facts about objections: 3"),
        (moved(objections=Counted(3, b"x" * 32)), "two roots of objections"),
        (moved(assessments=Counted(0, b"s" * 32)), "assessments: 1"),
        (moved(assessments=Counted(1, b"x" * 32)), "assessments: two states"),
    ],
)
def test_what_is_a_fork(new: Checkpoint, why: str) -> None:
    with pytest.raises(Forked, match=why):
        check_successor(OLD, new)


def test_a_checkpoint_of_other_make_is_held_to_its_log_alone() -> None:
    foreign = OLD._replace(statement=None)
    check_successor(foreign, OLD)
    with pytest.raises(Forked, match="two states for 12"):
        check_successor(foreign, foreign._replace(root=b"x" * 32))
