"""Alembic's environment and the two lines of revisions."""
