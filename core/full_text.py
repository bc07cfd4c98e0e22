"""Texts in which words are looked for quickly, wherever in a word and in any script: one column, one lookup.

Both databases keep an index of each three letters that follow one another, which needs no dictionary and no blanks
between words: FTS5 with its tokenizer `trigram` on SQLite, on PostgreSQL a `tsvector` with a GIN index. The database
keeps it with the row, in its transaction. What is indexed and what is looked for is folded by who writes and asks, and
each text ends with two line ends, so that its last letters too begin a triple.
"""

from __future__ import annotations

from typing import Any

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.lookups import Lookup

from core.text import is_readable

TRIPLE = 3
LAST = "\U0010ffff"  # after every letter, in UTF-8 too

SQLITE = (
    """CREATE VIRTUAL TABLE {table}_index USING fts5(
        text, content='{table}', content_rowid='id', tokenize='trigram case_sensitive 1')""",
    "CREATE VIRTUAL TABLE {table}_triples USING fts5vocab({table}_index, 'row')",
    """CREATE TRIGGER {table}_added AFTER INSERT ON {table} BEGIN
        INSERT INTO {table}_index (rowid, text) VALUES (new.id, new.text);
    END""",
    """CREATE TRIGGER {table}_deleted AFTER DELETE ON {table} BEGIN
        INSERT INTO {table}_index ({table}_index, rowid, text) VALUES ('delete', old.id, old.text);
    END""",
    """CREATE TRIGGER {table}_changed AFTER UPDATE ON {table} BEGIN
        INSERT INTO {table}_index ({table}_index, rowid, text) VALUES ('delete', old.id, old.text);
        INSERT INTO {table}_index (rowid, text) VALUES (new.id, new.text);
    END""",
    "INSERT INTO {table}_index ({table}_index) VALUES ('rebuild')",
)
POSTGRESQL = (
    """CREATE OR REPLACE FUNCTION {table}_triples(given text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT pg_catalog.array_to_tsvector(coalesce(pg_catalog.array_agg(DISTINCT triple), ARRAY[]::text[]))
        FROM (
            SELECT letter || pg_catalog.lead(letter, 1) OVER place || pg_catalog.lead(letter, 2) OVER place AS triple
            FROM pg_catalog.unnest(pg_catalog.string_to_array(given, NULL)) WITH ORDINALITY AS each(letter, number)
            WINDOW place AS (ORDER BY number)
        ) AS every
        WHERE triple IS NOT NULL
    $$""",
    "ALTER TABLE {table} ADD COLUMN triples tsvector GENERATED ALWAYS AS ({table}_triples(text)) STORED",
    "CREATE INDEX {table}_index ON {table} USING gin (triples)",
)


class SearchableText(models.TextField):  # type: ignore[type-arg]
    """The column `text` of a table that `ensure_index` was called for; it is looked in with `text__holds`."""


@SearchableText.register_lookup
class Holds(Lookup):
    """`text__holds`: whether the text occurs, letter by letter."""

    lookup_name = "holds"

    def get_prep_lookup(self) -> str:
        """What nobody can have written is found nowhere."""
        return self.rhs if is_readable(self.rhs) else LAST

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[str]]:
        """By the index: a phrase of triples, or any triple that begins with two letters; one letter is soon met."""
        column, table = compiler.quote_name_unless_alias(self.lhs.alias), self.lhs.target.model._meta.db_table
        word, chosen = self.rhs, f"{column}.id IN (SELECT rowid FROM {table}_index WHERE {table}_index MATCH"  # noqa: S608
        if len(word) == 1:
            return f"instr({column}.text, %s) > 0", [word]
        if len(word) < TRIPLE:
            each = """'"' || replace(term, '"', '""') || '"'"""
            begun = f"SELECT group_concat({each}, ' OR ') FROM {table}_triples WHERE term >= %s AND term < %s"  # noqa: S608
            return f"{chosen} coalesce(({begun}), %s))", [word, word + LAST, LAST * TRIPLE]
        return f"{chosen} %s)", ['"' + word.replace('"', '""') + '"']

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[str]]:
        """By the index: each of the triples, then the text itself."""
        column, word = compiler.quote_name_unless_alias(self.lhs.alias), self.rhs
        triples = {word[at : at + TRIPLE] for at in range(max(1, len(word) - TRIPLE + 1))}
        wanted = " & ".join("'{}'".format(each.replace("\\", "\\\\").replace("'", "''")) for each in sorted(triples))
        if len(word) < TRIPLE:
            wanted += ":*"
        return f"({column}.triples @@ %s::tsquery AND strpos({column}.text, %s) > 0)", [wanted, word]


@SearchableText.register_lookup
class HoldsHere(Holds):
    """`text__holds_here`: the same, where few rows are left by something else and each of them is to be looked at."""

    lookup_name = "holds_here"

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[str]]:
        """The sign keeps SQLite from going through all that the index found, for each row."""
        sql, words = super().as_sqlite(compiler, connection)
        return f"+{sql}", words


def ensure_index(model: type[models.Model], using: str) -> None:
    """Make the index of a model's `text` where it is missing; on SQLite also after the table was built anew."""
    connection: BaseDatabaseWrapper = connections[using]
    table, names = model._meta.db_table, set(connection.introspection.table_names())
    if table not in names:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            columns = connection.introspection.get_table_description(cursor, table)
            if "triples" not in {column.name for column in columns}:
                for statement in POSTGRESQL:
                    cursor.execute(statement.format(table=table))
            return
        cursor.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
        if cursor.fetchone()[0] == 3:
            return
        for kind, name in [("TRIGGER", each) for each in ("added", "deleted", "changed")] + [
            ("TABLE", "triples"),
            ("TABLE", "index"),
        ]:
            cursor.execute(f"DROP {kind} IF EXISTS {table}_{name}")
        for statement in SQLITE:
            cursor.execute(statement.format(table=table))
