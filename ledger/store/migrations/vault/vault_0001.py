"""The first tables of the vault."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "vault_0001"
down_revision = None
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BYTES = sa.LargeBinary()
TEXT = sa.Text()


def upgrade() -> None:
    """Create the tables of the vault."""
    _identities()
    _submissions()
    _commands()
    _documents()
    _batches()
    _idempotency()
    _api_keys()
    _access_log()
    _deployment()
    _assessments()
    _scores()


def _identities() -> None:
    op.create_table(
        "identities",
        sa.Column("enterprise", INT, primary_key=True, autoincrement=False),
        sa.Column("party_key", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("salt", BYTES, nullable=False),
        sa.Column("commitment", BYTES, nullable=False),
        sa.Column("block_number", INT),
        sa.Column("block_hash", BYTES),
        sa.UniqueConstraint("party_key"),
    )
    op.create_index("identities_block", "identities", ["block_number"])


def _submissions() -> None:
    op.create_table(
        "submissions",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("created_at", INT, nullable=False),
        sa.Column("authority", INT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("accepted", INT, nullable=False),
        sa.Column("duplicate", INT, nullable=False),
        sa.Column("rejected", INT, nullable=False),
        sa.Column("first_seq", INT, nullable=False),
        sa.Column("commands", INT, nullable=False),
    )


def _commands() -> None:
    op.create_table(
        "commands",
        sa.Column("seq", INT, primary_key=True, autoincrement=False),
        sa.Column("authority", INT, nullable=False),
        sa.Column("reference", TEXT, nullable=False),
        sa.Column("part", INT, nullable=False),
        sa.Column("content_mac", BYTES, nullable=False),
        sa.Column("type", INT, nullable=False),
        sa.Column("enterprise", INT, nullable=False),
        sa.Column("conduct_on", INT, nullable=False),
        sa.Column("decided_on", INT, nullable=False),
        sa.Column("severity", INT, nullable=False),
        sa.Column("ref_command", INT),
        sa.Column("ref_enterprise", INT),
        sa.Column("commitment", BYTES, nullable=False),
        sa.Column("number", INT),
        sa.UniqueConstraint("authority", "reference", "part", name="commands_reference"),
    )
    op.create_index(
        "commands_number",
        "commands",
        ["authority", "number"],
        unique=True,
        sqlite_where=sa.text("number IS NOT NULL"),
        postgresql_where=sa.text("number IS NOT NULL"),
    )
    op.create_index(
        "commands_queued",
        "commands",
        ["authority", "seq"],
        sqlite_where=sa.text("number IS NULL"),
        postgresql_where=sa.text("number IS NULL"),
    )


def _documents() -> None:
    op.create_table(
        "documents",
        sa.Column("seq", INT, primary_key=True, autoincrement=False),
        sa.Column("sealed", BYTES, nullable=False),
        sa.Column("wrapped_key", BYTES),
    )


def _batches() -> None:
    op.create_table(
        "batches",
        sa.Column("authority", INT, primary_key=True, autoincrement=False),
        sa.Column("first_number", INT, primary_key=True, autoincrement=False),
        sa.Column("count", INT, nullable=False),
        sa.Column("records", BYTES, nullable=False),
        sa.Column("sealed_at", INT, nullable=False),
        sa.Column("sealed_block", INT, nullable=False),
        sa.Column("block_number", INT),
        sa.Column("block_hash", BYTES),
    )
    op.create_index("batches_block", "batches", ["block_number"])


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("api_key", TEXT, primary_key=True),
        sa.Column("key", TEXT, primary_key=True),
        sa.Column("digest", BYTES, nullable=False),
        sa.Column("status", INT),
        sa.Column("response", BYTES),
        sa.Column("created_at", INT, nullable=False),
    )


def _api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("secret_hash", BYTES, nullable=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("label", TEXT, nullable=False),
        sa.Column("created_at", INT, nullable=False),
        sa.Column("revoked_at", INT),
    )


def _access_log() -> None:
    op.create_table(
        "access_log",
        sa.Column("id", INT, primary_key=True, autoincrement=True),
        sa.Column("at", INT, nullable=False),
        sa.Column("who", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("enterprise", INT),
        sa.Column("detail", TEXT, nullable=False),
    )
    op.create_index("access_log_enterprise", "access_log", ["enterprise", "at"])


def _deployment() -> None:
    op.create_table(
        "deployment",
        sa.Column("id", INT, primary_key=True, autoincrement=False),
        sa.Column("chain_id", INT, nullable=False),
        sa.Column("genesis_hash", TEXT, nullable=False),
        sa.Column("content", TEXT, nullable=False),
    )


def _assessments() -> None:
    op.create_table(
        "assessments",
        sa.Column("epoch", INT, primary_key=True, autoincrement=False),
        sa.Column("card", BYTES, nullable=False),
        sa.Column("as_of", INT, nullable=False),
        sa.Column("root", BYTES, nullable=False),
        sa.Column("count", INT, nullable=False),
        sa.Column("block", INT, nullable=False),
        sa.Column("log_size", INT, nullable=False),
        sa.Column("heads_root", BYTES, nullable=False),
        sa.Column("created_at", INT, nullable=False),
        sa.Column("anchored", sa.Boolean(), nullable=False),
    )


def _scores() -> None:
    op.create_table(
        "scores",
        sa.Column("epoch", INT, primary_key=True, autoincrement=False),
        sa.Column("enterprise", INT, primary_key=True, autoincrement=False),
        sa.Column("milli", INT, nullable=False),
        sa.Column("grade", INT, nullable=False),
    )
