"""Tools a test may find missing: skipped, except where every tool must be there."""

from __future__ import annotations

import os

import pytest


def missing(tool: str) -> None:
    """Skip for want of a tool; fail where every tool must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{tool} is missing, and under CI=true that is a failure")
    pytest.skip(f"{tool} is not installed")
