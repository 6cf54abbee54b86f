"""Whose keys the vault was made with, and what was taken back and is to be done again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "vault_0004"
down_revision = "vault_0003"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "keystore",
        sa.Column("id", INT, primary_key=True, autoincrement=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "taken_back",
        sa.Column("id", INT, primary_key=True, autoincrement=False),
        sa.Column("at", INT, nullable=False),
        sa.Column("first_block", INT, nullable=False),
        sa.Column("looked", INT, nullable=False),
        sa.Column("authority", INT),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("done_block", INT),
        sa.Column("done_log", INT),
        sa.Column("given_up", sa.Text()),
    )
