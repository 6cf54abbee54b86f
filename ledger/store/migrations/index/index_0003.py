"""Objections, their answers, and the keys and periods they go by."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "index_0003"
down_revision = "index_0002"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BYTES = sa.LargeBinary()
TEXT = sa.Text()


def upgrade() -> None:
    """Create the tables."""
    op.create_table("answer_periods", _int("days"), _int("valid_from"), *_place(key=True))
    op.create_table(
        "enterprise_keys", _int("enterprise"), sa.Column("key", TEXT, nullable=False), *_place(key=True)
    )
    op.create_table(
        "objections",
        _int("objection", key=True),
        _int("enterprise"),
        _int("record"),
        sa.Column("by", TEXT, nullable=False),
        _int("opened_on"),
        _int("due_on"),
        sa.Column("grounds", BYTES, nullable=False),
        *_place(),
    )
    op.create_table(
        "answers",
        _int("objection", key=True),
        sa.Column("by", TEXT, nullable=False),
        _int("outcome"),
        sa.Column("answer", BYTES, nullable=False),
        *_place(),
    )
    op.create_index("ix_objections_block_number", "objections", ["block_number"])
    op.create_index("objections_enterprise", "objections", ["enterprise"])
    op.create_index("objections_record", "objections", ["record"])
    op.create_index("ix_answers_block_number", "answers", ["block_number"])


def _int(name: str, *, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, INT, primary_key=key, autoincrement=False, nullable=False)


def _place(*, key: bool = False) -> tuple[sa.Column[Any], ...]:
    return (
        _int("block_number", key=key),
        sa.Column("block_hash", BYTES, nullable=False),
        _int("log_index", key=key),
    )
