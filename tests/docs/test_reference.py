"""What docs/reference says is what the code says."""

import json
import logging
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from accounts.roles import Role
from devportal.api.subscription_policies import FIELD_NAMES, SubscriptionPolicy
from devportal.bootstrap import APPLICATION_PLANS
from gateway.close_codes import CLOSES
from gateway.logging import formats
from gateway.observability import documented_codes
from gateway.observability.metrics import DEFINITIONS
from publisher import plan_validation
from publisher.bootstrap import LIMITS
from publisher.lifecycle import TRANSITIONS, State

ROOT = Path(settings.BASE_DIR)
REFERENCE = ROOT / "docs" / "reference"
OWN_ROOMS = {"apimanager", "accounts", "publisher", "devportal", "gateway"}


def rows(page: str) -> list[list[str]]:
    """The cells of every table row of a page, without headings' rules."""
    lines = (REFERENCE / page).read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [row for row in cells if not set("".join(row)) <= {"-"}]


def test_every_setting_is_documented_and_no_other() -> None:
    source = (ROOT / "apimanager" / "settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', source))
    documented = {row[0].strip("`") for row in rows("settings.md") if row[0].startswith("`")}
    assert documented == read


def test_every_command_is_documented_and_no_other() -> None:
    ours = {name for name, app in get_commands().items() if app in OWN_ROOMS}
    documented = {row[0].strip("`").split()[1] for row in rows("commands.md") if "manage.py" in row[0]}
    assert documented == ours


def test_every_close_code_is_documented_with_what_to_do() -> None:
    documented = {int(row[0]): row[2] for row in rows("close-codes.md") if row[0].isdigit()}
    assert documented == {code: close.reconnect.value for code, close in CLOSES.items()}


def test_what_developers_read_of_refusals_is_documented_under_the_same_status() -> None:
    documented = {(row[0], row[1]) for row in rows("refusals.md")}
    assert {(str(each.number), str(each.code)) for each in documented_codes.refusals()} <= documented


def test_the_lifecycle_table_is_the_code_s() -> None:
    labels = {state.label: state for state in State}
    documented = {
        (labels[row[0]], row[1]): labels[row[2]] for row in rows("lifecycle.md") if len(row) == 3 and row[0] in labels
    }
    assert documented == {(state, str(action)): after for (state, action), after in TRANSITIONS.items()}


def test_every_role_is_documented() -> None:
    assert {row[0].strip("`") for row in rows("roles.md") if row[0].startswith("`")} == {role.value for role in Role}


def test_the_default_plans_are_documented_with_their_limits() -> None:
    documented = {
        row[0]: [re.sub(r"\D", "", cell) for cell in row[1:4]] for row in rows("plans.md") if row[0] in LIMITS
    }
    assert documented == {name: [str(limit) for limit in limits] for name, limits in LIMITS.items()}
    text = (REFERENCE / "plans.md").read_text()
    assert all(f"`{name}`" in text for name in APPLICATION_PLANS)


def test_every_field_of_a_plan_is_documented_and_no_other() -> None:
    fields = SubscriptionPolicy().fields.items()
    taken = {name for name, field in fields if not field.read_only}
    documented = {row[0].strip("`") for row in rows("plans.md") if len(row) == 3 and row[0].startswith("`")}
    assert documented == taken
    text = (REFERENCE / "plans.md").read_text()
    assert [name for name, field in fields if f"`{name}`" not in text] == []


@pytest.mark.parametrize("field", sorted(plan_validation.CHOICES.keys() - {"quota_unit", "quota_period"}))
def test_the_words_of_a_plan_are_documented(field: str) -> None:
    name = FIELD_NAMES.get(field, field)
    (row,) = [row for row in rows("plans.md") if row[0] == f"`{name}`"]
    assert set(re.findall(r"`([A-Za-z]+)`", row[2])) == set(plan_validation.CHOICES[field].words)


def test_every_metric_is_documented_with_its_type_and_labels_and_no_other() -> None:
    documented = {row[0].strip("`"): (row[1], row[2]) for row in rows("metrics.md") if row[0].startswith("`apim_")}
    suffix = {"counter": "_total"}
    assert documented == {
        f"{each.name}{suffix.get(each.kind, '')}": (each.kind, ", ".join(f"`{label}`" for label in each.labels))
        for each in DEFINITIONS
    }


def test_every_field_of_a_line_of_the_log_is_documented() -> None:
    text = (REFERENCE / "logs.md").read_text()
    record = logging.LogRecord("gateway", logging.INFO, "", 0, "Hello.", (), None)
    record.request_id = "x"
    assert [name for name in json.loads(formats.Json().format(record)) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=str)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []
