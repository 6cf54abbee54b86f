"""The report as a page: everything is in it, in both languages, and nothing of a forger's is run."""

from __future__ import annotations

from html.parser import HTMLParser

from evidence_sample import LOG_KEY, WITNESSES, checkpoint_of, sample_chain

from ledger.audit.deviation import Deviation, NotChecked, Review
from ledger.audit.html import _CHINESE, report_html
from ledger.audit.replay import Replay
from ledger.audit.report import Report
from ledger.audit.signed import open_checkpoint

EVIL = '<script>alert("x")</script>&'
ABOUT = {"chain": "31337, a node", "block": EVIL}


class Seen(HTMLParser):
    """What a browser would see: the tags, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not {name for name, _ in attrs} & {"src", "href", "onload", "onclick"}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_good_report() -> None:
    seen = Seen(report_html(Report({"records": 1_234_567, "new_kind": 2}, ()), ABOUT))
    assert "账本核验通过" in seen.text
    assert "nothing deviates" in seen.text
    assert "信用记录 records" in seen.text
    assert "1,234,567" in seen.text
    assert "new kind" in seen.text
    assert "偏差 Deviations" not in seen.text


def test_every_deviation_is_there_as_it_is_written() -> None:
    found = [
        Deviation("row differs", f"table {EVIL}", EVIL, "00ff"),
        Deviation("number gap", "block 3", "1", "2"),
    ]
    seen = Seen(report_html(Report({"records": 1}, found), ABOUT))
    assert "发现 2 处偏差" in seen.text
    assert seen.text.count(EVIL) == 3
    assert "script" not in seen.tags
    assert all(each in seen.text for deviation in found for each in deviation)


def test_what_was_not_checked_is_told_as_its_own_verdict() -> None:
    report = Report(
        {"records": 1},
        (),
        not_checked=[NotChecked("erased", f"document {EVIL}", EVIL)],
        review=[Review("a new member of a role", "block 9", EVIL)],
        members=[f"ADMIN: {EVIL}"],
    )
    seen = Seen(report_html(report, ABOUT))
    assert "但有 1 项未能核验" in seen.text
    assert "Nothing deviates, and 1 thing was NOT CHECKED." in seen.text
    assert "未能核验 Not checked" in seen.text
    assert "Who may govern" in seen.text
    assert seen.text.count(EVIL) == 5
    assert "script" not in seen.tags


def test_every_count_of_a_replay_has_a_chinese_name() -> None:
    assert set(Replay().checked) <= set(_CHINESE)


def test_a_checkpoint_is_opened_by_one_call() -> None:
    chain = sample_chain()
    found = open_checkpoint(checkpoint_of(chain).encode(), [LOG_KEY.verifier, WITNESSES[1].verifier])
    assert (found.checkpoint.size, found.checkpoint.root) == (chain.log.size, chain.log.root())
    assert [each.key.name for each in found.signed] == [LOG_KEY.name, "witness.example/2"]
    assert {"witness.example/1", "witness.example/3"} <= set(found.unknown)
