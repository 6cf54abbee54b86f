"""A replay put down and taken up again: nothing of its state is forgotten, whatever is added to it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from honest_chain import history
from honest_chain import paired_scene as scene

from ledger.audit.replay import Replay
from ledger.audit.state import dump_replay, load_replay

#: What belongs to the auditor, or is open within a block only.
NOT_KEPT = {"severities", "_batch", "_found"}


def walked(value: Any, path: str = "") -> dict[str, Any]:
    """Return every plain value of an object's attributes, however deep, by where it is."""
    if isinstance(value, dict):
        parts = {f"[{key!r}]": each for key, each in value.items()}
    elif isinstance(value, tuple | list):
        parts = {f"[{at}]": each for at, each in enumerate(value)}
    elif hasattr(value, "__slots__") and not hasattr(value, "typecode"):
        slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
        parts = {f".{name}": getattr(value, name) for name in slots}
    elif hasattr(value, "__dict__") and not callable(value):
        parts = {f".{name}": each for name, each in vars(value).items()}
    else:
        return {path: value}
    found = {path: type(value).__name__}
    for name, each in parts.items():
        if name.lstrip(".") not in NOT_KEPT:
            found |= walked(each, path + name)
    return found


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_every_attribute_of_a_replay_is_kept(seed: int | None) -> None:
    chain = scene() if seed is None else history(seed)
    replay = Replay()
    for fact in chain.facts:
        assert not replay.apply(fact)
    replay.finish()
    again = load_replay(json.loads(json.dumps(dump_replay(replay))))
    assert walked(again) == walked(replay)


def test_no_part_of_a_replay_is_left_empty_by_the_walk() -> None:
    """What the walk compares must hold something, or it proves nothing; `scene` has something of everything."""
    replay = Replay()
    for fact in scene().facts:
        replay.apply(fact)
    replay.finish()
    assert replay.links.partners
    assert replay.log.size
    assert replay.scorebook.assessments
    assert len(walked(replay)) > 100
