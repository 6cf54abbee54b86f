"""Blocks, days and times in an evidence file that are not so, and files older than their reader takes."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from evidence_reader import CHAIN, Told, forged, made, scored
from evidence_sample import (
    LOG_KEY,
    RECOMPUTED,
    checkpoint_of,
    full_sample,
    resealed,
    score_of,
)
from honest_chain import TODAY

from ledger.crypto.notes import Note, parse_note
from ledger.domain.calendar import iso

if TYPE_CHECKING:
    pass


@pytest.mark.parametrize(
    "changed", [{"number": 9_999_999}, {"number": 98}, {"hash": "ab" * 32}, {"time": 1_790_003_601}],
    ids=["later", "earlier", "hash", "time"],
)  # fmt: skip
def test_another_block_than_the_signed_one(
    capsys: pytest.CaptureFixture[str], changed: dict[str, Any]
) -> None:
    Told(capsys, forged(lambda c: c["block"].update(changed))).refused("signed is `block 99 ")


def test_a_score_of_a_day_to_come(capsys: pytest.CaptureFixture[str]) -> None:
    found = scored(CHAIN, TODAY + 1600)
    data = forged(lambda c: c["score"].update(as_of=iso(TODAY + 1600), milli=found.milli, grade=found.grade))
    Told(capsys, data).refused(
        "day-to-come: the score is of 2031-02-07, and nobody vouches for a day after 2026-09-21"
    )


def test_a_score_of_a_better_day_is_printed_beside_todays(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, made(CHAIN, score_day=TODAY - 30))
    today = score_of(CHAIN)
    line = next(each for each in told.text.split("\n") if each.startswith("score"))
    assert f"EARLIER than the signed day 2026-09-21: on that day {today.milli / 1000:g} {today.grade}" in line


def test_posting_times_moved_beyond_the_block(capsys: pytest.CaptureFixture[str]) -> None:
    def change(content: dict[str, Any]) -> None:
        content["subjects"][0]["runs"][-1]["at"] = "100-1-1790003600-1"
        del content["signatures"]

    Told(capsys, forged(change)).refused("written after the file's block")


def test_posting_times_are_the_files_own_word(capsys: pytest.CaptureFixture[str]) -> None:
    def change(content: dict[str, Any]) -> None:
        at = content["subjects"][0]["runs"][-1]["at"].split("-")
        content["subjects"][0]["runs"][-1]["at"] = f"{at[0]}-{at[1]}-{int(at[2]) + 1}-{at[3]}"

    told = Told(capsys, forged(change))
    assert "as the file says" in next(line for line in told.text.split("\n") if "GACC-10" in line)


def test_a_signature_before_its_block_is_as_old_as_the_block(capsys: pytest.CaptureFixture[str]) -> None:
    early = made(CHAIN, score_day=TODAY - 2000, checkpoint=checkpoint_of(CHAIN, time=(TODAY - 2000) * 86_400))
    told = Told(capsys, early)
    assert f"EARLIER than the signed day {iso(TODAY)}" in told.text


def test_a_time_beyond_the_calendar_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    far = json.loads(full_sample())
    note = parse_note(far["checkpoint"].encode())
    text = "\n".join(
        "time 900000000000000000" if each.startswith("time ") else each for each in note.text.split("\n")
    )
    far["checkpoint"] = str(Note(text, (LOG_KEY.sign(text),)))
    Told(capsys, resealed(far), witnesses=[]).refused("beyond the calendar")


def test_an_older_complete_file_is_as_old_as_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    data = made(CHAIN)
    told = Told(capsys, data)
    assert "signed 2026-09-21T15:14:20Z" in told.text
    assert Told(capsys, data, not_older_than="2026-09-21").code == 0
    # Of its block, and not of when it was signed.
    Told(capsys, data, not_older_than="2026-09-22").refused(
        "too-old: it says what was so at 2026-09-21T15:13:20Z"
    )
    Told(capsys, data, not_older_than="1h").refused("too-old")


def test_an_old_checkpoint_cosigned_again_today_is_as_old_as_it_was(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A cosignature can be renewed by whoever holds an old file: the older of the two counts."""
    note = parse_note(checkpoint_of(CHAIN).encode())
    now = int(time.time())
    lines = (LOG_KEY.sign(note.text), *(each.sign(note.text, now) for each in RECOMPUTED))
    data = made(CHAIN, checkpoint=str(Note(note.text, lines)))
    assert Told(capsys, data).code == 0
    Told(capsys, data, not_older_than="1d").refused("too-old")
