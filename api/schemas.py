"""The JSON of the API: what goes in and what comes out, with the examples the documentation shows.

Responses may gain keys; clients must ignore those they do not know. Days are `YYYY-MM-DD` (civil,
Asia/Shanghai), instants RFC 3339 in UTC, hashes lower-case hexadecimal without `0x`, record ids
`CODE-NUMBER`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

#: The form of a day in a parameter. Years outside 1970 to 2999 are typing errors.
DAY_PATTERN = r"^(19[7-9][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"

Day = Annotated[str, Field(json_schema_extra={"format": "date"}, examples=["2026-05-04"])]
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-05-06T02:10:00Z"])]
Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$", examples=["6e" * 32])]
RecordId = Annotated[
    str, Field(description="`CODE-NUMBER`: the authority and its own number", examples=["GACC-12"])
]
PartyId = Annotated[str, Field(examples=["uscc:9144030071526726XG"])]
Points = Annotated[float, Field(description="At most three decimals", examples=[-8.0])]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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


class RecordsIn(BaseModel):
    """Records to post, at most 1,000."""

    authority: str | None = Field(
        None, description="Needed only with a key that speaks for several authorities", examples=["GACC"]
    )
    records: list[RecordIn] = Field(min_length=1, max_length=1000)


class SubmissionAccepted(_Answer):
    """What became of each record sent: accepted ones are stored and on their way to the chain."""

    submission: str = Field(description="Ask `/v1/submissions/{id}` with it", examples=["0197c0de5a7e4b1c"])
    accepted: int
    duplicate: int = Field(description="Already posted with the same content; nothing was done again")
    rejected: int
    errors: list[ErrorEntry]


class SubmittedRecord(_Answer):
    """One record of a submission."""

    row: int
    reference: str
    status: Literal["queued", "recorded"]
    record: RecordId | None


class SubmissionState(_Answer):
    """How far the records of a submission are."""

    submission: str
    authority: str
    at: Instant
    status: Literal["queued", "recorded"] = Field(description="`recorded` when every record is on the chain")
    records: list[SubmittedRecord]


class Enterprise(_Answer):
    """An enterprise and the names and codes whose records are its own."""

    id: PartyId
    index: int = Field(description="Its number on the chain")
    linked: list[PartyId] = Field(description="Others whose records follow this one")
    linked_to: PartyId | None = Field(description="The code this name was found to be")
    records: int
    head: Hash = Field(description="Head of its hash chain: replaying its record must end here")


class RecordItem(_Answer):
    """One record that stands on the chain."""

    record: RecordId
    party: PartyId
    authority: str
    type: str
    en: str
    zh: str
    severity: Literal["none", "minor", "general", "serious"]
    decided_on: Day
    conduct_on: Day
    status: str = Field(description="What it is worth today: `standing`, or which later record changed that")
    refers_to: str | None = Field(description="A record id, or for links the other party")
    reference: str | None
    commitment: Hash
    block: int


class RecordPage(_Answer):
    """A page of an enterprise's record, oldest first by its place on the chain."""

    id: PartyId
    records: list[RecordItem]
    next: str | None = Field(description="Pass as `cursor` for the next page; null: this was the last")


class Reason(_Answer):
    """Why a record moves the score, and until when."""

    record: RecordId
    type: str
    points: Points
    rule: str
    until: Day | None
    effect: str | None = Field(description="A cap or veto the record puts on the grade while it counts")


class ScoreAnswer(_Answer):
    """The score of a day, with the reason for every point."""

    id: PartyId
    as_of: Day
    score: float = Field(ge=0, le=100, description="At most three decimals", examples=[84.0])
    grade: Literal["A", "B", "M", "C", "D"]
    card: str = Field(description="The scorecard in force on that day")
    reasons: list[Reason]


class Access(_Answer):
    """One look at the enterprise's record."""

    at: Instant
    by: str = Field(description="The scope that allowed it", examples=["authority:GACC"])
    key: str = Field(description="Id of the API key")
    what: str = Field(examples=["score"])


class AccessPage(_Answer):
    """Who looked, latest first."""

    id: PartyId
    accesses: list[Access]
    next: str | None


class Checkpoint(_Answer):
    """The log as the contract has it at one block."""

    origin: str = Field(description="Which log this is: chain and contract")
    size: int
    root: Hash
    block: int
    block_hash: Hash
    at: Instant


class Leaf(_Answer):
    """One leaf of the log; leaf hash = SHA-256(0x00 | enterprise as u64 | head)."""

    index: int
    enterprise: int
    head: Hash
    hash: Hash


class Leaves(_Answer):
    """Consecutive leaves."""

    size: int = Field(description="Leaves in the index now")
    leaves: list[Leaf]
    next: int | None = Field(description="Pass as `from` for the next page; null: no more at the moment")


class InclusionProof(_Answer):
    """RFC 9162 2.1.3: the audit path of one leaf in the tree of the first `size` leaves."""

    leaf: int
    size: int
    leaf_hash: Hash
    root: Hash
    proof: list[Hash]


class ConsistencyProof(_Answer):
    """RFC 9162 2.1.4: that the tree of `second` leaves extends the tree of `first`."""

    first: int
    second: int
    first_root: Hash
    second_root: Hash
    proof: list[Hash]


class Alive(_Answer):
    """The process answers."""

    status: Literal["up"]
    version: str


class Ready(_Answer):
    """Every part this service needs works."""

    status: Literal["ready"]
    checks: dict[str, str]
