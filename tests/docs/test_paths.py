"""A file that the documentation names exists."""

import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
FOLDERS = "accounts|apimanager|bench|core|devportal|gateway|publisher|scripts|templates|tests"
FILE = re.compile(rf"\b(?:{FOLDERS})/[\w/]+\.(?:py|c|md|js|html)\b")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
# Steps of the path of a handshake, which is told below `gateway/`.
STEP = re.compile(r"`((?:authorization|connections|control|handshake|quotas|relay|routing|server|upstream)/\w+\.py)`")

TEST = re.compile(r"`(test_\w+)`")


def test_every_test_that_the_threat_model_names_exists() -> None:
    named = set(TEST.findall((ROOT / "docs/explanation/security.md").read_text()))
    written = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    there = set(re.findall(r"^(?:async )?def (test_\w+)\(", written, re.MULTILINE))
    assert len(named) > 30
    assert named - there == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    missing = [name for name in FILE.findall(text) if not (ROOT / name).exists()]
    missing += [name for name in STEP.findall(text) if not (ROOT / "gateway" / name).exists()]
    missing += [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    assert not missing
