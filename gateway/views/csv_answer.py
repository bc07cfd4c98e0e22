"""A table as a file for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence

from django.http import HttpResponse


def csv_answer(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """`name.csv`. No spreadsheet takes what people called their things for a formula."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    writer = csv.writer(answer)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([f"'{each}" if isinstance(each, str) and each[:1] in "=+-@\t\r" else each for each in row])
    return answer
