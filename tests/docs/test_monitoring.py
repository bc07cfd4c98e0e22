"""What operators are given to import asks for nothing that the gateway does not tell."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from gateway.observability.metrics import DEFINITIONS

FOLDER = Path(settings.BASE_DIR) / "docs" / "reference" / "monitoring"
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
KNOWN = {f"{each.name}{suffix}": set(each.labels) for each in DEFINITIONS for suffix in SUFFIXES[each.kind]}


def expressions() -> list[str]:
    dashboard: dict[str, Any] = json.loads((FOLDER / "grafana-dashboard.json").read_text())
    alerts: dict[str, Any] = yaml.safe_load((FOLDER / "alerts.yaml").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [each["query"]["query"] for each in dashboard["templating"]["list"] if each["type"] == "query"]
    return asked + [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("expression", expressions())
def test_an_expression_asks_for_metrics_and_labels_that_there_are(expression: str) -> None:
    named = set(re.findall(r"apim_\w+", expression))
    assert named
    assert named <= set(KNOWN)
    labels = set(re.findall(r"(\w+)(?:=~|!=|=)\"", expression))
    for group in re.findall(r"by \(([^)]*)\)", expression):
        labels |= {label.strip() for label in group.split(",")}
    assert labels - {"le"} <= set.union(*(KNOWN[name] for name in named))


def test_the_dashboard_shows_every_metric_that_is_no_mere_count_of_starts() -> None:
    dashboard = (FOLDER / "grafana-dashboard.json").read_text() + (FOLDER / "alerts.yaml").read_text()
    assert [each.name for each in DEFINITIONS if each.name not in dashboard] == []
