"""The databases that tests are given: fresh, complete, and each a test's own."""

import pytest
from sqlalchemy import Engine, inspect, text

from nurture.store.base import Base


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_has_a_database_of_its_own_with_all_tables(engine: Engine, turn: int) -> None:
    assert set(Base.metadata.tables) <= set(inspect(engine).get_table_names())
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE only_here (turn integer)"))
        connection.execute(text("INSERT INTO only_here VALUES (:turn)"), {"turn": turn})
        assert connection.scalars(text("SELECT turn FROM only_here")).all() == [turn]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_test_can_ask_for_one_backend(engine: Engine) -> None:
    assert engine.dialect.name == "sqlite"
