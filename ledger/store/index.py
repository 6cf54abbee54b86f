"""Tables of the index: what the chain's logs say, and nothing else. It may be dropped at any time.

Every row names the block it came from by number (and hash), and its log's place in that block. Runs stay
packed, 64 bytes a record, decoded when read. `blocks` holds the blocks with facts, `cursor` the one followed
to.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, MetaData, Table

from ledger.store.types import Bytes, Flag, Int, Text, Unsigned

metadata = MetaData()


def _key(name: str) -> Column[int]:
    return Column(name, Int, primary_key=True, autoincrement=False)


def _place(*, key: bool = False) -> tuple[Column[int], Column[bytes], Column[int]]:
    """Where the fact stands on the chain; as the key for facts that have no other."""
    return (
        Column("block_number", Int, primary_key=key, autoincrement=False, nullable=False, index=not key),
        Column("block_hash", Bytes, nullable=False),
        Column("log_index", Int, primary_key=key, autoincrement=False, nullable=False),
    )


#: Blocks that hold at least one fact.
blocks = Table(
    "blocks",
    metadata,
    _key("number"),
    Column("hash", Bytes, nullable=False),
    Column("timestamp", Int, nullable=False),
)

#: The last block followed, with or without facts: a single row.
cursor = Table(
    "cursor",
    metadata,
    _key("id"),
    Column("number", Int, nullable=False),
    Column("hash", Bytes, nullable=False),
)

authorities = Table(
    "authorities",
    metadata,
    _key("authority"),
    Column("code", Text, nullable=False),
    *_place(),
)

mandates = Table(
    "mandates",
    metadata,
    Column("authority", Int, nullable=False),
    Column("mandate", Unsigned(32), nullable=False),
    Column("weighty", Unsigned(32), nullable=False),
    Column("valid_from", Unsigned(8), nullable=False),
    *_place(key=True),
)

keys = Table(
    "keys",
    metadata,
    Column("authority", Int, nullable=False),
    Column("key", Text, nullable=False),
    Column("valid_from", Unsigned(8), nullable=False),
    Column("valid_until", Unsigned(8), nullable=False),
    *_place(key=True),
)

#: Keys declared compromised, and since when they were.
compromises = Table(
    "compromises",
    metadata,
    Column("authority", Int, nullable=False),
    Column("key", Text, nullable=False),
    Column("valid_from", Unsigned(8), nullable=False),
    *_place(key=True),
)

#: Whether weighty records are taken from contract wallets only.
four_eyes = Table(
    "four_eyes",
    metadata,
    Column("authority", Int, nullable=False),
    Column("required", Flag, nullable=False),
    *_place(key=True),
)

signature_epochs = Table(
    "signature_epochs",
    metadata,
    Column("authority", Int, nullable=False),
    Column("epoch", Unsigned(8), nullable=False),
    *_place(key=True),
)

suspensions = Table(
    "suspensions",
    metadata,
    Column("authority", Int, nullable=False),
    Column("suspended", Flag, nullable=False),
    *_place(key=True),
)

enterprises = Table(
    "enterprises",
    metadata,
    _key("enterprise"),
    Column("commitment", Bytes, nullable=False),
    *_place(),
)

batches = Table(
    "batches",
    metadata,
    _key("authority"),
    _key("first_number"),
    Column("count", Int, nullable=False),
    Column("key", Text, nullable=False),
    *_place(),
)

runs = Table(
    "runs",
    metadata,
    _key("leaf_index"),
    Column("enterprise", Int, nullable=False),
    Column("authority", Int, nullable=False),
    Column("first_id", Int, nullable=False),
    Column("count", Int, nullable=False),
    Column("head", Bytes, nullable=False),
    Column("records", Bytes, nullable=False),
    *_place(),
    Index("runs_enterprise", "enterprise"),
    Index("runs_first_id", "first_id"),
)

#: On which days the records of each run were decided, a row a day: what a page of a record is found by. Its
#: run says the rest, so the block's hash is left out, as it is from `changes`.
days = Table(
    "days",
    metadata,
    _key("enterprise"),
    _key("decided_on"),
    _key("first_id"),
    Column("block_number", Int, nullable=False, index=True),
    Column("log_index", Int, nullable=False),
    sqlite_with_rowid=False,
)

#: Every lifecycle record, the run it is in and the record it is about: what a record's status depends on.
changes = Table(
    "changes",
    metadata,
    _key("id"),
    Column("about", Int, nullable=False),
    Column("first_id", Int, nullable=False),
    Column("block_number", Int, nullable=False, index=True),
    Column("log_index", Int, nullable=False),
    Index("changes_about", "about"),
)

#: Link records and the lifecycle records about them: the few that must be found without opening every run.
#: `other` is the enterprise a link names; `about` the link a lifecycle record refers to.
links = Table(
    "links",
    metadata,
    _key("id"),
    Column("enterprise", Int, nullable=False),
    Column("type", Int, nullable=False),
    Column("other", Int),
    Column("about", Int),
    Column("record", Bytes, nullable=False),
    *_place(),
    Index("links_enterprise", "enterprise"),
    Index("links_other", "other"),
    Index("links_about", "about"),
)

tree_heads = Table(
    "tree_heads",
    metadata,
    Column("size", Int, nullable=False),
    Column("root", Bytes, nullable=False),
    *_place(key=True),
)

cards = Table(
    "cards",
    metadata,
    Column("card", Bytes, primary_key=True),
    Column("effective_on", Int, nullable=False),
    *_place(),
)

assessments = Table(
    "assessments",
    metadata,
    _key("epoch"),
    Column("card", Bytes, nullable=False),
    Column("as_of", Int, nullable=False),
    Column("root", Bytes, nullable=False),
    Column("count", Int, nullable=False),
    Column("block", Int, nullable=False),
    Column("log_size", Int, nullable=False),
    Column("heads_root", Bytes, nullable=False),
    *_place(),
)

answer_periods = Table(
    "answer_periods",
    metadata,
    Column("days", Int, nullable=False),
    Column("valid_from", Int, nullable=False),
    *_place(key=True),
)

enterprise_keys = Table(
    "enterprise_keys",
    metadata,
    Column("enterprise", Int, nullable=False),
    Column("key", Text, nullable=False),
    *_place(key=True),
)

objections = Table(
    "objections",
    metadata,
    _key("objection"),
    Column("enterprise", Int, nullable=False),
    Column("record", Int, nullable=False),
    Column("by", Text, nullable=False),
    Column("opened_on", Int, nullable=False),
    Column("due_on", Int, nullable=False),
    Column("grounds", Bytes, nullable=False),
    *_place(),
    Index("objections_enterprise", "enterprise"),
    Index("objections_record", "record"),
)

#: The answers to objections; one that has none is open.
answers = Table(
    "answers",
    metadata,
    _key("objection"),
    Column("by", Text, nullable=False),
    Column("outcome", Int, nullable=False),
    Column("answer", Bytes, nullable=False),
    *_place(),
)

#: Every table of facts, with the column of its block's number: what a reorg undoes and a rebuild drops.
FACTS: tuple[tuple[Table, str], ...] = tuple(
    (table, "number" if table is blocks else "block_number")
    for table in metadata.sorted_tables
    if table is not cursor
)
