"""The first tables of the index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "index_0001"
down_revision = None
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BYTES = sa.LargeBinary()
TEXT = sa.Text()


def upgrade() -> None:
    """Create the tables of the index."""
    _blocks()
    _cursor()
    _authorities()
    _mandates()
    _keys()
    _suspensions()
    _enterprises()
    _batches()
    _runs()
    _links()
    _tree_heads()
    _cards()
    _assessments()


def _blocks() -> None:
    op.create_table(
        "blocks",
        sa.Column("number", INT, primary_key=True, autoincrement=False),
        sa.Column("hash", BYTES, nullable=False),
        sa.Column("timestamp", INT, nullable=False),
    )


def _cursor() -> None:
    op.create_table(
        "cursor",
        sa.Column("id", INT, primary_key=True, autoincrement=False),
        sa.Column("number", INT, nullable=False),
        sa.Column("hash", BYTES, nullable=False),
    )


def _authorities() -> None:
    op.create_table(
        "authorities",
        sa.Column("authority", INT, primary_key=True, autoincrement=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("block_number", INT, nullable=False),
        sa.Column("block_hash", BYTES, nullable=False),
        sa.Column("log_index", INT, nullable=False),
    )
    op.create_index("ix_authorities_block_number", "authorities", ["block_number"])


def _mandates() -> None:
    op.create_table(
        "mandates",
        sa.Column("authority", INT, nullable=False),
        sa.Column("mandate", BYTES, nullable=False),
        sa.Column("weighty", BYTES, nullable=False),
        sa.Column("valid_from", BYTES, nullable=False),
        sa.Column("block_number", INT, primary_key=True, autoincrement=False),
        sa.Column("block_hash", BYTES, nullable=False),
        sa.Column("log_index", INT, primary_key=True, autoincrement=False),
    )


def _keys() -> None:
    op.create_table(
        "keys",
        sa.Column("authority", INT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("valid_from", BYTES, nullable=False),
        sa.Column("valid_until", BYTES, nullable=False),
        sa.Column("block_number", INT, primary_key=True, autoincrement=False),
        sa.Column("block_hash", BYTES, nullable=False),
        sa.Column("log_index", INT, primary_key=True, autoincrement=False),
    )


def _suspensions() -> None:
    op.create_table(
        "suspensions",
        sa.Column("authority", INT, nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("block_number", INT, primary_key=True, autoincrement=False),
        sa.Column("block_hash", BYTES, nullable=False),
        sa.Column("log_index", INT, primary_key=True, autoincrement=False),
    )


def _enterprises() -> None:
    op.create_table(
        "enterprises",
        sa.Column("enterprise", INT, primary_key=True, autoincrement=False),
        sa.Column("commitment", BYTES, nullable=False),
        sa.Column("block_number", INT, nullable=False),
        sa.Column("block_hash", BYTES, nullable=False),
        sa.Column("log_index", INT, nullable=False),
    )
    op.create_index("ix_enterprises_block_number", "enterprises", ["block_number"])


def _batches() -> None:
    op.create_table(
        "batches",
        sa.Column("authority", INT, primary_key=True, autoincrement=False),
        sa.Column("first_number", INT, primary_key=True, autoincrement=False),
        sa.Column("count", INT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("block_number", INT, nullable=False),
        sa.Column("block_hash", BYTES, nullable=False),
        sa.Column("log_index", INT, nullable=False),
    )
    op.create_index("ix_batches_block_number", "batches", ["block_number"])


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("leaf_index", INT, primary_key=True, autoincrement=False),
        sa.Column("enterprise", INT, nullable=False),
        sa.Column("authority", INT, nullable=False),
        sa.Column("first_id", INT, nullable=False),
        sa.Column("count", INT, nullable=False),
        sa.Column("head", BYTES, nullable=False),
        sa.Column("records", BYTES, nullable=False),
        sa.Column("block_number", INT, nullable=False),
        sa.Column("block_hash", BYTES, nullable=False),
        sa.Column("log_index", INT, nullable=False),
    )
    op.create_index("ix_runs_block_number", "runs", ["block_number"])
    op.create_index("runs_enterprise", "runs", ["enterprise"])
    op.create_index("runs_first_id", "runs", ["first_id"])


def _links() -> None:
    op.create_table(
        "links",
        sa.Column("id", INT, primary_key=True, autoincrement=False),
        sa.Column("enterprise", INT, nullable=False),
        sa.Column("type", INT, nullable=False),
        sa.Column("other", INT),
        sa.Column("about", INT),
        sa.Column("record", BYTES, nullable=False),
        sa.Column("block_number", INT, nullable=False),
        sa.Column("block_hash", BYTES, nullable=False),
        sa.Column("log_index", INT, nullable=False),
    )
    op.create_index("ix_links_block_number", "links", ["block_number"])
    op.create_index("links_about", "links", ["about"])
    op.create_index("links_enterprise", "links", ["enterprise"])
    op.create_index("links_other", "links", ["other"])


def _tree_heads() -> None:
    op.create_table(
        "tree_heads",
        sa.Column("size", INT, nullable=False),
        sa.Column("root", BYTES, nullable=False),
        sa.Column("block_number", INT, primary_key=True, autoincrement=False),
        sa.Column("block_hash", BYTES, nullable=False),
        sa.Column("log_index", INT, primary_key=True, autoincrement=False),
    )


def _cards() -> None:
    op.create_table(
        "cards",
        sa.Column("card", BYTES, primary_key=True),
        sa.Column("effective_on", INT, nullable=False),
        sa.Column("block_number", INT, nullable=False),
        sa.Column("block_hash", BYTES, nullable=False),
        sa.Column("log_index", INT, nullable=False),
    )
    op.create_index("ix_cards_block_number", "cards", ["block_number"])


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
        sa.Column("block_number", INT, nullable=False),
        sa.Column("block_hash", BYTES, nullable=False),
        sa.Column("log_index", INT, nullable=False),
    )
    op.create_index("ix_assessments_block_number", "assessments", ["block_number"])
