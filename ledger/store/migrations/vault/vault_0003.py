"""What the chain has and this vault does not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "vault_0003"
down_revision = "vault_0002"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "unheld",
        sa.Column("authority", INT, primary_key=True, autoincrement=False),
        sa.Column("first", INT, primary_key=True, autoincrement=False),
        sa.Column("last", INT, nullable=False),
        sa.Column("noted_at", INT, nullable=False),
    )
