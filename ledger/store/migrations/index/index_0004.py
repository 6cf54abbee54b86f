"""The days of each run and what lifecycle records are about: what a page of a record is found by."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "index_0004"
down_revision = "index_0003"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_FACTS = (
    *("blocks", "authorities", "mandates", "keys", "compromises", "four_eyes", "signature_epochs"),
    *("suspensions", "enterprises", "batches", "runs", "links", "tree_heads", "cards", "assessments"),
    *("answer_periods", "enterprise_keys", "objections", "answers"),
)


def upgrade() -> None:
    """Create the tables, and empty the others, so that every run is followed into both."""
    op.create_table(
        "days",
        _int("enterprise", key=True),
        _int("decided_on", key=True),
        _int("first_id", key=True),
        _int("block_number"),
        _int("log_index"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "changes",
        _int("id", key=True),
        _int("about"),
        _int("first_id"),
        _int("block_number"),
        _int("log_index"),
    )
    for name in (*_FACTS, "cursor"):
        op.execute(sa.delete(sa.Table(name, sa.MetaData())))
    op.create_index("ix_days_block_number", "days", ["block_number"])
    op.create_index("ix_changes_block_number", "changes", ["block_number"])
    op.create_index("changes_about", "changes", ["about"])


def _int(name: str, *, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, INT, primary_key=key, autoincrement=False, nullable=False)
