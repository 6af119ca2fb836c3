from collections.abc import Iterator

import pytest
from hypothesis import settings

from fakes import Bench, SqliteDatabase

# Speed is measured by the benchmark, never by a test.
settings.register_profile("sluice", deadline=None)
settings.load_profile("sluice")


@pytest.fixture
def database() -> Iterator[SqliteDatabase]:
    database = SqliteDatabase()
    yield database
    database.connection.close()


@pytest.fixture
def bench(database: SqliteDatabase) -> Bench:
    return Bench(database)
