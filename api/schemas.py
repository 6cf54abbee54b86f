"""The JSON of the API: what goes in and what comes out, with the examples the documentation shows.

Responses may gain keys; clients must ignore those they do not know. Days are `YYYY-MM-DD` (civil,
Asia/Shanghai), instants RFC 3339 in UTC, hashes lower-case hexadecimal without `0x`, record ids
`CODE-NUMBER`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

#: The form of a day in a parameter. Years outside 1970 to 2999 are typing errors.
DAY_PATTERN = r"^(19[7-9][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"

SUBMISSION = "5a7e4b1c0197c0de5a7e4b1c0197c0de"

Day = Annotated[str, Field(json_schema_extra={"format": "date"}, examples=["2026-05-04"])]
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-05-06T02:10:00Z"])]
Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$", examples=["6e" * 32])]
RecordId = Annotated[
    str, Field(description="`CODE-NUMBER`: the authority and its own number", examples=["GACC-12"])
]
PartyId = Annotated[str, Field(examples=["uscc:9144030071526726XG"])]
Points = Annotated[int | float, Field(description="At most three decimals", examples=[-8])]


#: From best to worst; M is new and clean.
Grade = Literal["A", "B", "M", "C", "D"]


class Answer(BaseModel):
    """What comes out: never changed once made."""

    model_config = ConfigDict(frozen=True)


class _Open(Answer):
    """An answer whose keys are the workflows' own: what they add is passed on."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Strict(BaseModel):
    """Query parameters: one that does not exist is an error, so that a misspelt one is not lost."""

    model_config = ConfigDict(extra="forbid")


def instant(seconds: int) -> str:
    """Return Unix seconds as an `Instant`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class ErrorEntry(BaseModel):
    """One thing that does not fit."""

    row: int | None = Field(None, description="Which of the records, from 1; absent where there are none")
    field: str
    value: str = Field(description="As given, shortened to 80 characters")
    reason: str


class Problem(BaseModel):
    """RFC 9457 problem document: every error of this API has this form."""

    type: str = Field(description="Stable; `urn:credit-ledger:problem:` and a code")
    title: str
    status: int
    detail: str
    request_id: str | None = Field(
        None, description="Also in the header `X-Request-Id` and in the operator's log"
    )
    errors: list[ErrorEntry] | None = None
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:credit-ledger:problem:unacceptable",
                    "title": "Unprocessable Entity",
                    "status": 422,
                    "detail": "None of the 1 records was accepted.",
                    "request_id": "5f0c8a1e9b3d7c42",
                    "errors": [
                        {
                            "row": 1,
                            "field": "party",
                            "value": "uscc:9144030071526726XH",
                            "reason": "check digit is H, should be G",
                        }
                    ],
                }
            ]
        }
    )


class RecordIn(BaseModel):
    """One record to post, the same fields as a row of a records file."""

    party: str = Field(
        description="`uscc:…` (or the bare code), `lei:…` or `name:CC:…`", examples=["9144030071526726XG"]
    )
    type: str = Field(description="Code of the type in the catalogue", examples=["CU04"])
    decided_on: str = Field(description="Day of the decision", examples=["2026-05-04"])
    conduct_on: str | None = Field(None, description="Day of the conduct; absent: the day of the decision")
    reference: str = Field(
        description="The authority's own document number: one number, one record",
        examples=["Huangpu customs penalty 2026/0417"],
    )
    refers_to: str | None = Field(None, description="Reference of the earlier record this one is about")
    document: str | dict[str, Any] | None = Field(None, description="Kept encrypted off chain; at most 1 MiB")
    model_config = ConfigDict(extra="forbid")


class RecordsIn(BaseModel):
    """Records to post, at most 1,000."""

    records: list[RecordIn] = Field(min_length=1, max_length=1000)
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "records": [
                        {
                            "party": "9144030071526726XG",
                            "type": "CU04",
                            "decided_on": "2026-05-04",
                            "conduct_on": "2026-03-11",
                            "reference": "Huangpu customs penalty 2026/0417",
                            "document": {"fine": 60000, "currency": "CNY"},
                        }
                    ]
                }
            ]
        },
    )


class SubmissionAccepted(Answer):
    """What became of each record sent: accepted ones are stored and on their way to the chain."""

    submission: str = Field(description="Ask `/v1/submissions/{id}` with it", examples=[SUBMISSION])
    accepted: int
    duplicate: int = Field(description="Posted before with the same content; nothing was done again")
    rejected: int
    errors: list[ErrorEntry]


class SubmittedRecord(Answer):
    """One accepted record of a submission."""

    reference: str
    status: Literal["queued", "recorded"]
    record: RecordId | None = Field(description="Null until its batch is sealed")


class SubmissionState(Answer):
    """How far the accepted records of a submission are."""

    submission: str = Field(examples=[SUBMISSION])
    authority: str
    at: Instant
    accepted: int
    duplicate: int
    records: list[SubmittedRecord]
    next: str | None = Field(description="Pass as `cursor` for the next page; null: this was the last")


class Enterprise(Answer):
    """An enterprise and the names whose records are its own."""

    id: PartyId = Field(description="Whose record it is: of a name linked to a code, the code")
    asked: PartyId
    name: str = Field(description="As first written")
    enterprise: int = Field(description="Its number on the chain")
    linked: list[PartyId] = Field(description="The names whose records are its own")
    records: int = Field(description="Records on the chain, with those of the names linked")
    head: Hash = Field(description="Head of the enterprise's own hash chain: its own runs replay to it")


class RecordItem(_Open):
    """One record on the chain, with how it stands today."""

    record: RecordId
    authority: str
    type: str
    type_en: str
    type_zh: str
    severity: int = Field(description="0 none, 1 minor, 2 general, 3 serious")
    decided_on: Day
    conduct_on: Day
    status: str = Field(
        description="Of an event or link: in force, corrected, revoked, repaired or reinstated; "
        "of a record about another: applied or without effect",
        examples=["in force"],
    )
    since: Day
    by: RecordId | None = Field(description="The record that made it so")
    party: PartyId
    reference: str | None = Field(description="Null: posted by another office")
    refers_to: str | None = Field(description="Reference of the record it is about; of a link, the party")
    held: str = Field(
        description="Its document: opened, withheld (not yours), erased, not held, missing, broken",
        examples=["opened"],
    )
    document: Any = Field(description="Text or JSON, as submitted")
    commitment: Hash
    leaf_index: int = Field(description="Its run's leaf in the log")
    block: int | None = Field(description="Null for a foreign authority")
    disputed: bool = Field(description="An objection to it is open")


class Objection(_Open):
    """An objection to a record, and its answer."""

    objection: int
    record: RecordId
    by: str = Field(description="The account that opened it: the enterprise's key, or the registrar's")
    opened_on: Day
    due_on: Day = Field(description="Last day on which the answer is in time")
    overdue: bool
    outcome: str = Field(description="open, upheld, partly upheld or rejected", examples=["open"])
    statement: str | None = Field(description="Null: not held here")
    answer: str | None
    grounds_commitment: Hash
    answer_commitment: Hash | None


class Objections(Answer):
    """An enterprise's objections, by number."""

    id: PartyId
    key: str | None = Field(description="The account it objects by; null: the registrar does for it")
    objections: list[Objection]
    next: str | None = Field(description="Pass as `cursor` for the next page; null: this was the last")


class RecordPage(_Open):
    """A page of an enterprise's record, in the order of decision."""

    id: PartyId = Field(description="Whose record it is: of a name linked to a code, the code")
    asked: PartyId
    name: str = Field(description="As first written; for a foreign authority as it wrote it itself")
    as_of: Day
    enterprise: int | None = Field(description="Its number on the chain; null for a foreign authority")
    linked: list[PartyId]
    records: list[RecordItem]
    next: str | None = Field(description="Pass as `cursor` for the next page; null: this was the last")


class Reason(_Open):
    """Why a record moves the score, and until when."""

    record: RecordId
    type: str
    type_en: str
    type_zh: str
    points: Points
    rule: str
    until: Day | None = Field(description="First day it no longer counts, if nothing else happens")
    effect: str = Field(description="A cap or veto on the grade while it counts; empty: none")


class ScoreAnswer(_Open):
    """The score of a day, with the reason for every point."""

    id: PartyId = Field(description="Whose score it is: of a name linked to a code, the code")
    asked: PartyId
    as_of: Day
    score: int | float = Field(ge=0, le=100, description="At most three decimals", examples=[84])
    grade: Grade
    card: str = Field(description="The scorecard in force on that day")
    card_hash: Hash
    linked: list[PartyId]
    reasons: list[Reason]


class Access(Answer):
    """One look at the enterprise's record."""

    at: Instant
    by: str = Field(description="The scope that allowed it", examples=["authority:GACC"])
    key: str = Field(description="Id of the API key")
    what: str = Field(examples=["score"])


class AccessPage(Answer):
    """Who looked, latest first."""

    id: PartyId
    accesses: list[Access]
    next: str | None
