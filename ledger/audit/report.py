"""What an audit found, for machines (stable keys) and for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger.audit.deviation import Deviation, Review


class DeviationDict(TypedDict):
    """A deviation in JSON."""

    what: str
    where: str
    expected: str
    found: str


class ReviewDict(TypedDict):
    """A thing to review in JSON."""

    what: str
    where: str
    why: str


class ReportDict(TypedDict):
    """A report in JSON. Keys are stable; more may be added."""

    ok: bool
    checked: dict[str, int]
    deviations: list[DeviationDict]
    scope: str
    review: list[ReviewDict]


@dataclass(frozen=True)
class Report:
    """`checked` says how many of each kind were looked at: an audit that looked at nothing proves nothing.

    `scope` says of which blocks, for people; counts include what an audit that was taken up had looked at.
    `review` lists what holds and an authority still has to look at, such as what a compromised key wrote.
    """

    checked: Mapping[str, int]
    deviations: Sequence[Deviation]
    scope: str = ""
    review: Sequence[Review] = ()

    @property
    def ok(self) -> bool:
        """Whether everything that was looked at holds."""
        return not self.deviations

    def to_dict(self) -> ReportDict:
        """The report for JSON: `ok`, `checked{}`, `deviations[]`, `scope`, `review[]`."""
        return {
            "ok": self.ok,
            "checked": dict(self.checked),
            "deviations": [
                {"what": d.what, "where": d.where, "expected": d.expected, "found": d.found}
                for d in self.deviations
            ],
            "scope": self.scope,
            "review": [{"what": r.what, "where": r.where, "why": r.why} for r in self.review],
        }

    def to_text(self) -> str:
        """The report as plain text under a headline in English and Chinese."""
        if self.ok:
            headline = "The ledger holds: nothing deviates.\n账本核验通过：未发现偏差。"
        else:
            count = len(self.deviations)
            noun = "thing does" if count == 1 else "things do"
            headline = (
                f"The ledger does NOT hold: {count} {noun} not agree.\n账本核验未通过：发现 {count} 处偏差。"
            )
        lines = [headline, "", *([f"Scope 范围: {self.scope}", ""] if self.scope else []), "Checked 已核验:"]
        lines += [f"  {name.replace('_', ' ')}: {count:,}" for name, count in self.checked.items()]
        for number, found in enumerate(self.deviations, 1):
            lines += [
                "",
                f"{number}. {found.what}",
                f"   where 位置: {found.where}",
                f"   expected 应为: {found.expected}",
                f"   found 实为: {found.found}",
            ]
        if self.review:
            lines += ["", "For review 待复核 (these hold, and an authority must look at them):"]
            lines += [f"  {each.what}: {each.where}: {each.why}" for each in self.review]
        return "\n".join(lines) + "\n"
