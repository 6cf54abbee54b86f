"""What an audit found, for machines (stable keys) and for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypedDict, cast

from ledger.audit.plain import harmless

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ledger.audit.deviation import Deviation, NotChecked, Review

#: What an audit comes to, the worst that applies.
Verdict = Literal["holds", "deviates", "not checked"]

#: The exit status that says each of them. Only the first may be taken for "all is well".
EXIT_OF: Final[dict[Verdict, int]] = {"holds": 0, "deviates": 1, "not checked": 4}


#: Lines of each kind of review in the text.
_LINES: Final = 8


class DeviationDict(TypedDict):
    """A deviation in JSON."""

    what: str
    where: str
    expected: str
    found: str


class ReasonDict(TypedDict):
    """A thing to review, or one that could not be checked, in JSON."""

    what: str
    where: str
    why: str


class ReportDict(TypedDict):
    """A report in JSON. Keys are stable; more may be added."""

    ok: bool
    verdict: Verdict
    checked: dict[str, int]
    deviations: list[DeviationDict]
    not_checked: list[ReasonDict]
    scope: str
    review: list[ReasonDict]
    members: list[str]


@dataclass(frozen=True)
class Report:
    """`checked` says how many of each kind were looked at: an audit that looked at nothing proves nothing.

    `scope` says of which blocks, for people; counts include what an audit that was taken up had looked at.
    `review` lists what holds and an authority still has to look at, such as what a compromised key wrote.
    `not_checked` lists the checks that could not be made. `members` says who may govern, a line for each.
    """

    checked: Mapping[str, int]
    deviations: Sequence[Deviation]
    scope: str = ""
    review: Sequence[Review] = ()
    not_checked: Sequence[NotChecked] = ()
    members: Sequence[str] = ()

    @property
    def ok(self) -> bool:
        """Whether everything holds, and everything could be looked at."""
        return self.verdict == "holds"

    @property
    def verdict(self) -> Verdict:
        """What the audit comes to: a deviation outweighs what could not be checked."""
        if self.deviations:
            return "deviates"
        return "not checked" if self.not_checked else "holds"

    @property
    def headline(self) -> tuple[str, str]:
        """The verdict as a sentence, in English and in Chinese."""
        count = len(self.deviations)
        if count:
            noun = "thing does" if count == 1 else "things do"
            english = f"The ledger does NOT hold: {count} {noun} not agree."
            return english, f"账本核验未通过：发现 {count} 处偏差。"
        count = len(self.not_checked)
        if count:
            noun = "thing was" if count == 1 else "things were"
            english = f"Nothing deviates, and {count} {noun} NOT CHECKED."
            return english, f"未发现偏差，但有 {count} 项未能核验。"
        return "The ledger holds: nothing deviates.", "账本核验通过：未发现偏差。"

    def to_dict(self) -> ReportDict:
        """The report for JSON: `ok`, `verdict`, `checked{}`, `deviations[]`, `not_checked[]` and more."""
        return {
            "ok": self.ok,
            "verdict": self.verdict,
            "checked": dict(self.checked),
            "deviations": [
                {"what": d.what, "where": d.where, "expected": d.expected, "found": d.found}
                for d in self.deviations
            ],
            "not_checked": [_reason(each) for each in self.not_checked],
            "scope": self.scope,
            "review": [_reason(each) for each in self.review],
            "members": list(self.members),
        }

    def shown(self) -> ReportDict:
        """The same for a person: every text in it is one harmless line, for others wrote what it quotes.

        Whatever shows a report is made from this.
        """
        return cast("ReportDict", harmless(self.to_dict()))

    def to_text(self) -> str:
        """The report as plain text under a headline in English and Chinese."""
        said = self.shown()
        lines = [*self.headline, "", *([f"Scope 范围: {said['scope']}", ""] if said["scope"] else [])]
        lines.append("Checked 已核验:")
        lines += [f"  {name.replace('_', ' ')}: {count:,}" for name, count in said["checked"].items()]
        for number, found in enumerate(said["deviations"], 1):
            lines += [
                "",
                f"{number}. {found['what']}",
                f"   where 位置: {found['where']}",
                f"   expected 应为: {found['expected']}",
                f"   found 实为: {found['found']}",
            ]
        if said["not_checked"]:
            lines += ["", "Not checked 未能核验 (no fault was seen here, and none can be ruled out):"]
            lines += [f"  not checked: {_line(each)}" for each in said["not_checked"]]
        if said["review"]:
            lines += ["", "For review 待复核 (these hold, and an authority must look at them):"]
            lines += _few(said["review"])
        if said["members"]:
            lines += ["", "Who may govern 治理权限:", *(f"  {each}" for each in said["members"])]
        return "\n".join(lines) + "\n"


def _few(reviews: Sequence[ReasonDict]) -> Iterator[str]:
    """The first of each kind, so that many of one do not hide the others; the page and the JSON have all."""
    for kind in dict.fromkeys(each["what"] for each in reviews):
        alike = [each for each in reviews if each["what"] == kind]
        yield from (f"  {_line(each)}" for each in alike[:_LINES])
        if len(alike) > _LINES:
            yield f"  {kind}: {len(alike) - _LINES} more (--json and --report list them)"


def _line(each: ReasonDict) -> str:
    return f"{each['what']}: {each['where']}: {each['why']}"


def _reason(each: Review | NotChecked) -> ReasonDict:
    return {"what": each.what, "where": each.where, "why": each.why}
