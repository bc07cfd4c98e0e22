"""The price of a chunk is that of a chunk that passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import chunks
from gateway.quotas.meter import FREE


@pytest.mark.parametrize("title", chunks.chunks())
@pytest.mark.parametrize("plan", ["no limits", "quota and rate"])
def test_each_chunk_is_taken_whole_and_metered(title: str, plan: str, tmp_path: Path) -> None:
    meter = FREE if plan == "no limits" else chunks.metered(tmp_path)
    before = [source.unspent for source in meter.sources]
    chunks.receiver(meter)(chunks.chunks()[title])
    drawn = [was - source.unspent for was, source in zip(before, meter.sources, strict=True)]
    assert drawn == [int(title.split()[0])] * len(meter.sources)
    assert len(drawn) == (0 if plan == "no limits" else 2)
