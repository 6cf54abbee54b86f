"""Compromised keys, serious records by wallets only, and signatures cancelled."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "index_0002"
down_revision = "index_0001"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BYTES = sa.LargeBinary()


def upgrade() -> None:
    """Create the tables."""
    key = sa.Column("key", sa.Text(), nullable=False)
    _table("compromises", key, sa.Column("valid_from", BYTES, nullable=False))
    _table("four_eyes", sa.Column("required", sa.Boolean(), nullable=False))
    _table("signature_epochs", sa.Column("epoch", BYTES, nullable=False))


def _table(name: str, *columns: sa.Column[Any]) -> None:
    op.create_table(
        name,
        sa.Column("authority", INT, nullable=False),
        *columns,
        sa.Column("block_number", INT, primary_key=True, autoincrement=False),
        sa.Column("block_hash", BYTES, nullable=False),
        sa.Column("log_index", INT, primary_key=True, autoincrement=False),
    )
