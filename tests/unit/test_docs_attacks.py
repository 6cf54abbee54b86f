"""docs/attacks.md: each test and each file of tests that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = re.split(r"\n## (.+)\n", (ROOT / "docs" / "attacks.md").read_text(encoding="utf-8"))[1:]


def functions(pattern: str) -> set[str]:
    """Names of the test functions in these files."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(ROOT.glob(pattern))]
    return {name for text in texts for name in re.findall(r"^def (test_\w+)\(", text, re.MULTILINE)}


def test_every_test_named_is_there() -> None:
    everywhere = functions("tests/**/test_*.py")
    for title, body in zip(SECTIONS[::2], SECTIONS[1::2], strict=True):
        files = [*re.findall(r"tests/[a-z_/*]+\.py", body), *re.findall(r"contracts/test/\w+\.sol", body)]
        assert all(any(ROOT.glob(each)) for each in files), f"{title}: {files}"
        cells = [row.rstrip(" |").rpartition(" | ")[2] for row in body.split("\n") if row.startswith("| ")]
        named = [name for cell in cells for name in re.findall(r"(?<!/)\b(test_\w+)(?!\w*\.py)", cell)]
        assert named, title
        missing = [each for each in named if each not in everywhere]
        assert not missing, f"{title}: {missing}"
        shortened = [part for cell in cells for part in re.findall(r"…_?(\w+)", cell)]
        assert all(any(part in name for name in everywhere) for part in shortened), f"{title}: {shortened}"
