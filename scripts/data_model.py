"""Write docs/explanation/data-model.md out of the models: `make datamodel`. A test compares the page with them."""

from __future__ import annotations

import os
from pathlib import Path

import django

PAGE = Path(__file__).parent.parent / "docs" / "explanation" / "data-model.md"
ROOMS = {
    "core": "What every room writes",
    "accounts": "Who is asking",
    "publisher": "What an API is",
    "devportal": "Who may call it",
    "gateway": "What happens at the gateway",
}
HEAD = """# The data model

<!-- Written by scripts/data_model.py (`make datamodel`) out of the models. Change those, not this page. -->

Every table of the product's own. An arrow names the table that a column refers to. A change to a row of the first four
rooms comes with a row of the audit log, in the same transaction (only tickets, drafts of forms, notifications and
e-mails come and go without); the gateway's rows are written by its workers, without. What the OAuth library keeps
(access tokens, refresh tokens, codes) and what Django keeps (sessions) stands in tables of theirs.
"""


def page() -> str:
    """The whole page, as it should be."""
    from django.apps import apps

    lines = [HEAD]
    for room, title in ROOMS.items():
        lines.append(f"## {title}: `{room}`\n")
        for model in apps.get_app_config(room).get_models():
            meta = model._meta
            lines.append(f"### {meta.object_name}\n\n{(model.__doc__ or '').strip().splitlines()[0]}\n")
            lines.append("| column | holds |\n|---|---|")
            lines += [f"| `{field.name}` | {_what(field)} |" for field in meta.local_fields]
            lines += [
                f"| `{many.name}` | any number of → {many.related_model._meta.object_name} |"
                for many in meta.local_many_to_many
            ]
            constraints = [f"- `{constraint.name}`" for constraint in meta.constraints]
            lines += ["", *constraints, ""] if constraints else [""]
    return "\n".join(lines)


def _what(field: django.db.models.Field[object, object]) -> str:
    kind = field.get_internal_type().removesuffix("Field")
    words = ["primary key" if field.primary_key else "", kind]
    if field.related_model:
        words[1] = f"→ {field.related_model._meta.object_name}"
    elif field.max_length:
        words.append(f"at most {field.max_length} characters")
    words += ["unique" if field.unique and not field.primary_key else "", "may be null" if field.null else ""]
    if field.choices:
        words.append(f"one of {', '.join(f'`{value}`' for value, _ in field.flatchoices)}")
    return ", ".join(filter(None, words))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    PAGE.write_text(page())
