"""What Python's drivers do with a server when they are used as usual: one function a driver, arguments are host and port.

Run by tests/tests/drivers.rs; each function raises where something is not as with PostgreSQL.
"""

import asyncio
import datetime
import decimal
import sys
import uuid

HOST, PORT = sys.argv[1], int(sys.argv[2])
LOGIN = {"host": HOST, "port": PORT, "user": "materialize"}

VALUES = {
    "bool": True,
    "int2": -3,
    "int4": 70000,
    "int8": 2**40,
    "float8": 1.5,
    "numeric": decimal.Decimal("12345.678900"),
    "text": "gr\u00fc\u00df 'dich' \\ \"",
    "varchar": "abc",
    "bytea": b"\x00\x01\xff",
    "date": datetime.date(2024, 2, 29),
    "time": datetime.time(1, 2, 3, 4),
    "timestamp": datetime.datetime(2024, 2, 29, 1, 2, 3, 456789),
    "timestamptz": datetime.datetime(2024, 2, 29, 1, 2, 3, tzinfo=datetime.timezone.utc),
    "interval": datetime.timedelta(days=3, seconds=5),
    "uuid": uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    "int4[]": [1, None, 3],
    "text[]": ["a", "b,c", None],
}


def check(what, got, wanted):
    assert got == wanted, f"{what}: {got!r} rather than {wanted!r}"


def psycopg2_smoke():
    import psycopg2
    import psycopg2.extras

    psycopg2.extras.register_uuid()
    connection = psycopg2.connect(dbname="materialize", options="-c search_path=public -c application_name=smoke", **LOGIN)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("SHOW application_name")
    check("options", cursor.fetchone()[0], "smoke")
    cursor.execute("DROP TABLE IF EXISTS p2")
    cursor.execute("CREATE TABLE p2 (a int, b text)")
    cursor.executemany("INSERT INTO p2 VALUES (%s, %s)", [(1, "x"), (2, None)])
    psycopg2.extras.execute_values(cursor, "INSERT INTO p2 VALUES %s", [(3, "y"), (4, "z")])
    import io

    cursor.copy_expert("COPY p2 FROM STDIN WITH CSV", io.StringIO("5,five\n6,\n"))
    out = io.StringIO()
    cursor.copy_expert("COPY (SELECT * FROM p2 ORDER BY a) TO STDOUT", out)
    check("copy", out.getvalue(), "1\tx\n2\t\\N\n3\ty\n4\tz\n5\tfive\n6\t\\N\n")
    cursor.execute("SELECT '1 2'::int2vector")
    check("vector", cursor.fetchone()[0], "1 2")
    for name, value in VALUES.items():
        cursor.execute(f"SELECT %s::{name}", (value,))
        got = cursor.fetchone()[0]
        check(name, bytes(got) if isinstance(got, memoryview) else got, value)
    connection.autocommit = False
    with connection.cursor("named") as named:
        named.itersize = 2
        named.execute("SELECT a FROM p2 ORDER BY a")
        check("named cursor", [row[0] for row in named], [1, 2, 3, 4, 5, 6])
    connection.commit()
    try:
        cursor.execute("SELECT * FROM nosuch")
        raise AssertionError("a missing table is found")
    except psycopg2.errors.UndefinedTable as error:
        check("position", error.diag.statement_position, "15")
    connection.rollback()
    connection.reset()
    connection.close()


def psycopg_smoke():
    import psycopg

    with psycopg.connect(dbname="materialize", autocommit=True, **LOGIN) as connection:
        for binary in (False, True):
            cursor = connection.cursor(binary=binary)
            for name, value in VALUES.items():
                mark = "%b" if binary else "%t"
                cursor.execute(f"SELECT {mark}::{name}", (value,))
                check(name, cursor.fetchone()[0], value)
        connection.execute("DROP TABLE IF EXISTS p3")
        connection.execute("CREATE TABLE p3 (a int, b text)")
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO p3 VALUES (%s, %s)", [(n, str(n)) for n in range(100)])
            with cursor.copy("COPY p3 FROM STDIN") as copy:
                for n in range(100, 1000):
                    copy.write_row((n, None))
            with cursor.copy("COPY p3 (a, b) FROM STDIN (FORMAT binary)") as copy:
                copy.set_types(["int4", "text"])
                copy.write_row((1000, "last"))
            cursor.execute("SELECT count(*), count(b), max(a) FROM p3")
            check("copy", cursor.fetchone(), (1001, 101, 1000))
        for _ in range(10):
            row = connection.execute("SELECT b FROM p3 WHERE a = %s", (7,), prepare=True).fetchone()
            check("prepared", row, ("7",))
        with connection.pipeline():
            first = connection.execute("SELECT 1")
            second = connection.execute("SELECT 2")
        check("pipeline", (first.fetchone(), second.fetchone()), ((1,), (2,)))
        with connection.transaction():
            with connection.cursor("server_side") as cursor:
                cursor.execute("SELECT a FROM p3 ORDER BY a")
                check("server-side cursor", cursor.fetchmany(3), [(0,), (1,), (2,)])


async def asyncpg_smoke():
    import asyncpg

    connection = await asyncpg.connect(database="materialize", **LOGIN)
    for name, value in VALUES.items():
        check(name, await connection.fetchval(f"SELECT $1::{name}", value), value)
    await connection.execute("DROP TABLE IF EXISTS ap")
    await connection.execute("CREATE TABLE ap (a int, b text)")
    await connection.executemany("INSERT INTO ap VALUES ($1, $2)", [(n, str(n)) for n in range(10)])
    await connection.copy_records_to_table("ap", records=[(n, None) for n in range(10, 500)])
    check("rows", await connection.fetchval("SELECT count(*) FROM ap"), 500)
    async with connection.transaction():
        try:
            async with connection.transaction():  # a savepoint
                await connection.execute("SELECT 1/0")
        except asyncpg.DivisionByZeroError:
            pass
        got = [row["a"] async for row in connection.cursor("SELECT a FROM ap WHERE a < 5 ORDER BY a")]
    check("cursor", got, [0, 1, 2, 3, 4])
    await connection.execute("DROP TYPE IF EXISTS mood")
    await connection.execute("CREATE TYPE mood AS ENUM ('sad', 'ok')")
    check("introspection", await connection.fetchval("SELECT ARRAY['ok', 'sad']::mood[]"), ["ok", "sad"])
    check("vector", await connection.fetchval("SELECT '1 2'::int2vector"), [1, 2])
    await connection.reset()
    pool = await asyncpg.create_pool(database="materialize", min_size=2, max_size=2, **LOGIN)
    check("pool", [await pool.fetchval("SELECT 1") for _ in range(4)], [1] * 4)
    await pool.close()
    await connection.close()


def pg8000_smoke():
    import pg8000.native

    connection = pg8000.native.Connection("materialize", host=HOST, port=PORT, database="materialize")
    for name, value in VALUES.items():
        if name != "timestamp":
            check(name, connection.run(f"SELECT CAST(:v AS {name})", v=value)[0][0], value)
    connection.run("DROP TABLE IF EXISTS p8")
    connection.run("CREATE TABLE p8 (a int)")
    connection.run("COPY p8 FROM STDIN", stream=["1\n", "2\n"])
    check("copy", connection.run("SELECT a FROM p8 ORDER BY a"), [[1], [2]])
    connection.close()


def sqlalchemy_smoke():
    import sqlalchemy as sa

    for driver in ("psycopg2", "psycopg", "pg8000"):
        engine = sa.create_engine(f"postgresql+{driver}://materialize@{HOST}:{PORT}/materialize")
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("DROP VIEW IF EXISTS sav"))
            connection.execute(sa.text("DROP TABLE IF EXISTS sat"))
            connection.execute(sa.text("CREATE TABLE sat (a int NOT NULL, b varchar(7) DEFAULT 'x', c numeric(8,2))"))
            connection.execute(sa.text("CREATE INDEX sati ON sat (b)"))
            connection.execute(sa.text("CREATE VIEW sav AS SELECT a FROM sat"))
            connection.execute(sa.text("COMMENT ON TABLE sat IS 'said'"))
        inspector = sa.inspect(engine)
        assert "sat" in inspector.get_table_names() and "sav" in inspector.get_view_names()
        columns = inspector.get_columns("sat")
        check("columns", [(c["name"], str(c["type"]), c["nullable"]) for c in columns],
              [("a", "INTEGER", False), ("b", "VARCHAR(7)", True), ("c", "NUMERIC(8, 2)", True)])
        check("comment", inspector.get_table_comment("sat"), {"text": "said"})
        check("keys", inspector.get_pk_constraint("sat")["constrained_columns"], [])
        check("foreign keys", inspector.get_foreign_keys("sat"), [])
        check("indexes", [i["name"] for i in inspector.get_indexes("sat")], ["sati"])
        assert "SELECT a" in inspector.get_view_definition("sav")
        assert "public" in inspector.get_schema_names()
        table = sa.Table("sat", sa.MetaData(), autoload_with=engine)
        with engine.begin() as connection:
            connection.execute(table.insert(), [{"a": 1, "b": "y", "c": 1}, {"a": 2, "b": None, "c": None}])
        with engine.connect() as connection:
            rows = connection.execute(sa.select(table.c.a, table.c.b).order_by(table.c.a)).all()
            check("rows", [tuple(r) for r in rows], [(1, "y"), (2, None)])
        metadata = sa.MetaData()
        metadata.reflect(engine, views=True)
        assert {"sat", "sav"} <= set(metadata.tables)
        with engine.begin() as connection:
            with connection.begin_nested() as savepoint:
                connection.execute(table.insert(), [{"a": 3, "b": None, "c": None}])
                savepoint.rollback()
            connection.execute(table.insert(), [{"a": 4, "b": None, "c": None}])
        with engine.connect() as connection:
            check("savepoint", connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one(), 3)
        engine.dispose()
    asyncio.run(sqlalchemy_async())


async def sqlalchemy_async():
    import sqlalchemy as sa
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(f"postgresql+asyncpg://materialize@{HOST}:{PORT}/materialize")
    async with engine.connect() as connection:
        check("async", (await connection.execute(sa.text("SELECT a FROM sat ORDER BY a"))).scalars().all(), [1, 2, 4])
        names = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
        assert "sat" in names
    await engine.dispose()


if __name__ == "__main__":
    failed = False
    for name in sys.argv[3:]:
        try:
            result = globals()[f"{name}_smoke"]()
            if asyncio.iscoroutine(result):
                asyncio.run(result)
            print(f"{name}: fine")
        except BaseException as error:  # noqa: BLE001 - every failure is told, then counted
            import traceback

            traceback.print_exc()
            print(f"{name}: {error!r}")
            failed = True
    sys.exit(1 if failed else 0)
