import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from fakes import ROOT
from health import SCHEMA_VERSION
from logs.row import COLUMNS

MIGRATIONS = sorted((ROOT / "migrations").glob("*.sql"))
# One nested pair of parentheses is as deep as our checks go.
CHECK = re.compile(r"check ?\((?:[^()]|\([^()]*\))*\)")


@pytest.fixture
def written() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript((ROOT / "schema.sql").read_text())
        yield database


@pytest.fixture
def migrated() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as database:
        for path in MIGRATIONS:
            database.executescript(path.read_text())
        yield database


def tables(database: sqlite3.Connection) -> list[str]:
    query = "SELECT name FROM pragma_table_list WHERE schema = 'main' ORDER BY name"
    return [name for (name,) in database.execute(query)]


def columns(database: sqlite3.Connection, table: str) -> object:
    return database.execute("SELECT * FROM pragma_table_xinfo(?)", (table,)).fetchall()


def indexes(database: sqlite3.Connection, table: str) -> object:
    listed = database.execute(
        'SELECT name, "unique", origin, partial FROM pragma_index_list(?)', (table,)
    )
    columns = "SELECT * FROM pragma_index_xinfo(?)"
    return sorted((*index, database.execute(columns, index[:1]).fetchall()) for index in listed)


def foreign_keys(database: sqlite3.Connection, table: str) -> object:
    return sorted(database.execute("SELECT * FROM pragma_foreign_key_list(?)", (table,)))


def kind(database: sqlite3.Connection, table: str) -> object:
    query = "SELECT type, wr, strict FROM pragma_table_list(?)"
    return database.execute(query, (table,)).fetchall()


def sql_of(database: sqlite3.Connection, table: str) -> str:
    query = "SELECT coalesce(sql, '') FROM sqlite_schema WHERE name = ?"
    found = database.execute(query, (table,)).fetchone()
    without_comments = re.sub(
        r"--[^\n]*|/\*.*?\*/", " ", found[0] if found else "", flags=re.DOTALL
    )
    return " ".join(without_comments.split()).lower()


def checks(database: sqlite3.Connection, table: str) -> object:
    sql = sql_of(database, table)
    return sorted(CHECK.findall(sql)), "autoincrement" in sql


def others(database: sqlite3.Connection) -> list[tuple[str, str]]:
    query = "SELECT name FROM sqlite_schema WHERE sql IS NOT NULL AND type != 'table' ORDER BY name"
    return [(name, sql_of(database, name)) for (name,) in database.execute(query)]


def test_the_schema_and_the_migrations_make_the_same_tables(
    written: sqlite3.Connection, migrated: sqlite3.Connection
) -> None:
    assert {"gateways", "logs", "payloads"} <= set(tables(written))
    assert tables(written) == tables(migrated)


@pytest.mark.parametrize("facet", [columns, indexes, foreign_keys, kind, checks])
def test_tables_of_the_schema_and_of_the_migrations_agree(
    written: sqlite3.Connection,
    migrated: sqlite3.Connection,
    facet: Callable[[sqlite3.Connection, str], object],
) -> None:
    for table in tables(written):
        assert facet(written, table) == facet(migrated, table), table


def test_indexes_views_and_triggers_of_the_schema_and_of_the_migrations_agree(
    written: sqlite3.Connection, migrated: sqlite3.Connection
) -> None:
    assert others(written) == others(migrated)


def test_the_code_needs_all_migrations() -> None:
    assert len(MIGRATIONS) == SCHEMA_VERSION


def test_migrations_are_numbered_from_one_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in MIGRATIONS]

    assert numbers == list(range(1, len(MIGRATIONS) + 1))


def test_a_row_of_the_log_fills_its_table(written: sqlite3.Connection) -> None:
    query = "SELECT name FROM pragma_table_info('logs')"

    judged_later = ["feedback", "score"]
    assert [name for (name,) in written.execute(query)] == [*COLUMNS, *judged_later]


def test_a_gateway_never_gets_the_number_of_one_that_is_gone(written: sqlite3.Connection) -> None:
    add = """INSERT INTO gateways (account_id, id, settings, created_at, modified_at) VALUES
        ('acme', 'main', '{}', 0, 0) RETURNING internal_id"""
    first = written.execute(add).fetchone()
    written.execute("DELETE FROM gateways")

    assert written.execute(add).fetchone() != first
