"""What an audit found, for machines (stable keys) and for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger.audit.deviation import Deviation


class DeviationDict(TypedDict):
    """A deviation in JSON."""

    what: str
    where: str
    expected: str
    found: str


class ReportDict(TypedDict):
    """A report in JSON. Keys are stable; more may be added."""

    ok: bool
    checked: dict[str, int]
    deviations: list[DeviationDict]
    scope: str


@dataclass(frozen=True)
class Report:
    """`checked` says how many of each kind were looked at: an audit that looked at nothing proves nothing.

    `scope` says of which blocks, for people; counts include what an audit that was taken up had looked at.
    """

    checked: Mapping[str, int]
    deviations: Sequence[Deviation]
    scope: str = ""

    @property
    def ok(self) -> bool:
        """Whether everything that was looked at holds."""
        return not self.deviations

    def to_dict(self) -> ReportDict:
        """The report for JSON: `ok`, `checked{}`, `deviations[]`, `scope`."""
        return {
            "ok": self.ok,
            "checked": dict(self.checked),
            "deviations": [
                {"what": d.what, "where": d.where, "expected": d.expected, "found": d.found}
                for d in self.deviations
            ],
            "scope": self.scope,
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
        return "\n".join(lines) + "\n"
