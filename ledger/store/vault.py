"""Tables of the vault: what exists nowhere else. Lost with its file, so it is what a backup keeps.

Nothing here refers to a table of the index. Times are Unix seconds, days are civil days since 1970-01-01.
A block number and hash beside a row say where the chain was last *seen* to hold it: a hint that saves looking
again, never the truth. When that block leaves the chain, the hint is dropped and the row is sent again.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, MetaData, Table, UniqueConstraint, text

from ledger.store.types import Bytes, Flag, Int, Text

metadata = MetaData()


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of the rows that are asked for by it alone: smaller, and rows outside it cost nothing."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


#: Parties, in the order of their index on the chain. `text` is the party as it was first written.
identities = Table(
    "identities",
    metadata,
    Column("enterprise", Int, primary_key=True, autoincrement=False),
    Column("party_key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("salt", Bytes, nullable=False),
    Column("commitment", Bytes, nullable=False),
    Column("block_number", Int),
    Column("block_hash", Bytes),
    Index("identities_block", "block_number"),
)

#: One call to the outbox: who sent how many rows, and what became of them. Its commands are `commands` in
#: number, from `first_seq` on: one more than `accepted` for each link, which brings its mirror along.
submissions = Table(
    "submissions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created_at", Int, nullable=False),
    Column("authority", Int, nullable=False),
    Column("source", Text, nullable=False),
    Column("accepted", Int, nullable=False),
    Column("duplicate", Int, nullable=False),
    Column("rejected", Int, nullable=False),
    Column("first_seq", Int, nullable=False),
    Column("commands", Int, nullable=False),
)

#: Intent: every accepted record, in the order of acceptance. `part` 1 is the mirror that a link carries
#: along. `ref_command` (lifecycle) or `ref_enterprise` (link) becomes the record's `ref` when its batch is
#: sealed, which is when it gets its `number`.
commands = Table(
    "commands",
    metadata,
    Column("seq", Int, primary_key=True, autoincrement=False),
    Column("authority", Int, nullable=False),
    Column("reference", Text, nullable=False),
    Column("part", Int, nullable=False),
    Column("content_mac", Bytes, nullable=False),
    Column("type", Int, nullable=False),
    Column("enterprise", Int, nullable=False),
    Column("conduct_on", Int, nullable=False),
    Column("decided_on", Int, nullable=False),
    Column("severity", Int, nullable=False),
    Column("ref_command", Int),
    Column("ref_enterprise", Int),
    Column("commitment", Bytes, nullable=False),
    Column("number", Int),
    UniqueConstraint("authority", "reference", "part", name="commands_reference"),
    _partial("commands_queued", "authority", "seq", where="number IS NULL"),
    _partial("commands_number", "authority", "number", where="number IS NOT NULL", unique=True),
)

#: Each command's document: salt and content sealed under a key of their own. No wrapped key: erased.
documents = Table(
    "documents",
    metadata,
    Column("seq", Int, primary_key=True, autoincrement=False),
    Column("sealed", Bytes, nullable=False),
    Column("wrapped_key", Bytes),
)

#: What objections and their answers say, by the commitment on chain, sealed as documents are.
statements = Table(
    "statements",
    metadata,
    Column("commitment", Bytes, primary_key=True),
    Column("sealed", Bytes, nullable=False),
    Column("wrapped_key", Bytes),
)

#: Numbered, packed, ready to sign: what the chain must come to hold. `sealed_block` is the chain's height
#: then.
batches = Table(
    "batches",
    metadata,
    Column("authority", Int, primary_key=True, autoincrement=False),
    Column("first_number", Int, primary_key=True, autoincrement=False),
    Column("count", Int, nullable=False),
    Column("records", Bytes, nullable=False),
    Column("sealed_at", Int, nullable=False),
    Column("sealed_block", Int, nullable=False),
    Column("block_number", Int),
    Column("block_hash", Bytes),
    Index("batches_block", "block_number"),
)

#: What the chain has and this vault does not, taken up by a repair: enterprises `first`..`last` without an
#: identity (`authority` 0), or an authority's records of these numbers without a document.
unheld = Table(
    "unheld",
    metadata,
    Column("authority", Int, primary_key=True, autoincrement=False),
    Column("first", Int, primary_key=True, autoincrement=False),
    Column("last", Int, nullable=False),
    Column("noted_at", Int, nullable=False),
)

#: Answers kept for `Idempotency-Key`: the same key and body get the same answer, another body a conflict.
idempotency = Table(
    "idempotency",
    metadata,
    Column("api_key", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", Bytes, nullable=False),
    Column("status", Int),
    Column("response", Bytes),
    Column("created_at", Int, nullable=False),
)

#: API keys, by a name that is no secret. Only a hash of the secret is kept.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("secret_hash", Bytes, nullable=False),
    Column("scope", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("created_at", Int, nullable=False),
    Column("revoked_at", Int),
)

#: Who looked at which enterprise. The enterprise may read it.
access_log = Table(
    "access_log",
    metadata,
    Column("id", Int, primary_key=True, autoincrement=True),
    Column("at", Int, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("enterprise", Int),
    Column("detail", Text, nullable=False),
    Index("access_log_enterprise", "enterprise", "at"),
)

#: The one ledger this vault belongs to: a single row. `content` is the deployment as JSON.
deployment = Table(
    "deployment",
    metadata,
    Column("id", Int, primary_key=True, autoincrement=False),
    Column("chain_id", Int, nullable=False),
    Column("genesis_hash", Text, nullable=False),
    Column("content", Text, nullable=False),
)

#: Whose keys the vault was made with: a single row. Under others its documents would not open.
keystore = Table(
    "keystore",
    metadata,
    Column("id", Int, primary_key=True, autoincrement=False),
    Column("fingerprint", Bytes, nullable=False),
)

#: What somebody did by a call of his own and a take-back undid, from the block `first_block` on. It is open
#: until it is done again, a fact of this `mark` at (`done_block`, `done_log`), or given up, which says why.
#: Blocks up to `looked` were looked at. While it is open and `holds`, no records of `authority` are sent
#: (none: of nobody). The mark `take-back` is the taking back itself, open until all of it is done.
taken_back = Table(
    "taken_back",
    metadata,
    Column("id", Int, primary_key=True, autoincrement=False),
    Column("at", Int, nullable=False),
    Column("first_block", Int, nullable=False),
    Column("looked", Int, nullable=False),
    Column("authority", Int),
    Column("holds", Flag, nullable=False),
    Column("mark", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("done_block", Int),
    Column("done_log", Int),
    Column("given_up", Text),
)

#: Assessment runs of this office: what was, or is to be, anchored.
assessments = Table(
    "assessments",
    metadata,
    Column("epoch", Int, primary_key=True, autoincrement=False),
    Column("card", Bytes, nullable=False),
    Column("as_of", Int, nullable=False),
    Column("root", Bytes, nullable=False),
    Column("count", Int, nullable=False),
    Column("block", Int, nullable=False),
    Column("log_size", Int, nullable=False),
    Column("heads_root", Bytes, nullable=False),
    Column("created_at", Int, nullable=False),
    Column("anchored", Flag, nullable=False),
)

#: The leaves of each assessment's tree, in the tree's order.
scores = Table(
    "scores",
    metadata,
    Column("epoch", Int, primary_key=True, autoincrement=False),
    Column("enterprise", Int, primary_key=True, autoincrement=False),
    Column("milli", Int, nullable=False),
    Column("grade", Int, nullable=False),
)
