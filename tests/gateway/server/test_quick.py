"""What may become of a client on the quick way in; what it does there stands in tests.wire.test_quick_way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.server.quick import NEXT, QuickEntry, QuickState


def test_a_client_only_goes_forward_and_is_gone_once() -> None:
    assert len(NEXT) == len(QuickState)
    assert all(following > state for state in QuickState for following in NEXT[state])
    assert [QuickState.GONE in following for following in NEXT] == [True, True, False]


@pytest.mark.parametrize("before", QuickState)
@pytest.mark.parametrize("after", QuickState)
def test_what_the_table_does_not_know_is_a_fault(before: QuickState, after: QuickState) -> None:
    connections: set[Any] = set()
    forgotten: list[Any] = []
    wheel = SimpleNamespace(forget=forgotten.append)
    way = SimpleNamespace(connections=connections, config=SimpleNamespace(heads=set(), wheel=wheel))
    entry = QuickEntry(cast(Any, way), ("127.0.0.1", 1), lambda: None)
    entry.state = before
    connections.add(entry)
    way.config.heads.add(entry)
    if after in NEXT[before]:
        entry.become(after)
        assert (entry.state, forgotten) == (after, [entry])
        assert (entry in connections) == (after is QuickState.DIALLING)
        assert (entry in way.config.heads) == (before is not QuickState.READING)
    else:
        with pytest.raises(RuntimeError, match=f"that is {before.name} cannot become {after.name}"):
            entry.become(after)
