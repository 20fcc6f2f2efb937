# aiomysql and aiomysql.sa, in Python: takes orders as lines of JSON on its standard input, and answers each with a line.
# The first line that it says is what it can do.
import asyncio
import json
import os
import resource
import sys
import time

try:
    import aiomysql

    if "sa" in sys.argv:
        import aiomysql.sa
        import sqlalchemy
except ImportError as missing:
    print(json.dumps({"missing": missing.name}), flush=True)
    sys.exit(0)

given = json.loads(os.environ["EFFECT_SA_BENCH_PYTHON"])
target = dict(given["target"])
target["db"] = target.pop("database")
# Without autocommit each connection that was only read on would be closed when it is given back.
target.update(autocommit=True, charset="utf8mb4")
pool_size = given["poolSize"]
table, table_rows = given["table"], given["tableRows"]
stream_table, stream_rows = given["streamTable"], given["streamRows"]
insert_table, insert_rows = given["insertTable"], given["insertRows"]
acquires = given["acquiresAtOnce"]

to_insert = [(i, f"name of number {i}", i * 3, None if i % 7 == 0 else i / 7) for i in range(insert_rows)]


def check(right):
    if not right:
        raise AssertionError("wrong answer")


def rows_table(size):
    return stream_table if size > table_rows else table


async def plain():
    """A pool and its cursors, which give rows as tuples. It knows no prepared statements."""
    pool = await aiomysql.create_pool(minsize=1, maxsize=pool_size, **target)

    async def read(cursor, statement, parameters=None):
        await cursor.execute(statement, parameters)
        return await cursor.fetchall()

    async def select(i, size):
        async with pool.acquire() as connection, connection.cursor() as cursor:
            rows = await read(cursor, f"SELECT * FROM {table} WHERE id = %s", (i % table_rows,))
            check(rows[0][0] == i % table_rows)

    async def rows(i, size):
        async with pool.acquire() as connection, connection.cursor() as cursor:
            found = await read(cursor, f"SELECT * FROM {rows_table(size)} WHERE id < {size}")
            check(len(found) == size and found[-1][0] == size - 1)

    async def transaction(i, size):
        async with pool.acquire() as connection, connection.cursor() as cursor:
            await connection.begin()
            await cursor.execute(f"UPDATE {table} SET n = n + 1 WHERE id = %s", (i % table_rows,))
            found = await read(cursor, f"SELECT * FROM {table} WHERE id = %s", (i % table_rows,))
            check(found[0][0] == i % table_rows)
            await connection.commit()

    # executemany of an INSERT makes statements of many rows, as long as one megabyte.
    async def insert(i, size):
        async with pool.acquire() as connection, connection.cursor() as cursor:
            await cursor.execute(f"TRUNCATE TABLE {insert_table}")
            done = await cursor.executemany(f"INSERT INTO {insert_table} VALUES (%s, %s, %s, %s)", to_insert)
            check(done == insert_rows)

    # A thousand rows at a time: one at a time is slower.
    async def stream(i, size):
        count = total = 0
        async with pool.acquire() as connection, connection.cursor(aiomysql.SSCursor) as cursor:
            await cursor.execute(f"SELECT * FROM {stream_table}")
            while True:
                part = await cursor.fetchmany(1000)
                if not part:
                    break
                count += len(part)
                total += sum(row[0] for row in part)
        check(count == stream_rows and total == stream_rows * (stream_rows - 1) // 2)

    async def acquire(i, size):
        for _ in range(acquires):
            async with pool.acquire():
                pass

    async def connect(i, size):
        connection = await aiomysql.connect(**target)
        await connection.ensure_closed()

    async def close():
        pool.close()
        await pool.wait_closed()

    return close, {
        "select": select,
        "rows": rows,
        "transaction": transaction,
        "insert": insert,
        "stream": stream,
        "acquire": acquire,
        "connect": connect,
    }


async def sa():
    """An engine that executes tables of SQLAlchemy. Its cursors are buffered: it cannot stream."""
    # Statements are compiled once where the engine has a cache to keep them in.
    engine = await aiomysql.sa.create_engine(minsize=1, maxsize=pool_size, compiled_cache={}, **target)
    integer, column = sqlalchemy.Integer, sqlalchemy.Column

    def filled(name):
        return sqlalchemy.Table(
            name,
            sqlalchemy.MetaData(),
            column("id", integer, primary_key=True),
            column("name", sqlalchemy.String(40)),
            column("n", integer),
            column("big", sqlalchemy.BigInteger),
            column("at", sqlalchemy.DateTime),
        )

    small, large = filled(table), filled(stream_table)
    inserted = sqlalchemy.Table(
        insert_table,
        sqlalchemy.MetaData(),
        column("id", integer, primary_key=True, autoincrement=False),
        column("name", sqlalchemy.String(40)),
        column("n", integer),
        column("part", sqlalchemy.Float(53)),
    )
    point = small.select().where(small.c.id == sqlalchemy.bindparam("id"))
    first = {each: each.select().where(each.c.id < sqlalchemy.bindparam("size")) for each in (small, large)}
    update = small.update().values(n=small.c.n + 1).where(small.c.id == sqlalchemy.bindparam("wanted"))
    put = inserted.insert()
    records = [dict(zip(("id", "name", "n", "part"), each)) for each in to_insert]

    async def read(connection, i):
        result = await connection.execute(point, {"id": i % table_rows})
        row = await result.first()
        check(row.id == i % table_rows)

    async def select(i, size):
        async with engine.acquire() as connection:
            await read(connection, i)

    async def rows(i, size):
        async with engine.acquire() as connection:
            result = await connection.execute(first[large if size > table_rows else small], {"size": size})
            found = await result.fetchall()
            check(len(found) == size and found[-1].id == size - 1)

    async def transaction(i, size):
        async with engine.acquire() as connection:
            begun = await connection.begin()
            await connection.execute(update, {"wanted": i % table_rows})
            await read(connection, i)
            await begun.commit()

    async def insert(i, size):
        async with engine.acquire() as connection:
            await connection.execute(f"TRUNCATE TABLE {insert_table}")
            result = await connection.execute(put, records)
            check(result.rowcount == insert_rows)

    async def acquire(i, size):
        for _ in range(acquires):
            async with engine.acquire():
                pass

    async def close():
        engine.close()
        await engine.wait_closed()

    return close, {
        "select": select,
        "rows": rows,
        "transaction": transaction,
        "insert": insert,
        "acquire": acquire,
    }


async def measure(operation, order):
    task = order["task"]
    concurrency, size = task["concurrency"], task["size"]
    done = 0
    cpu = used()
    start = time.perf_counter()
    end = start + order["milliseconds"] / 1000

    async def loop(i):
        nonlocal done
        # Everybody does one operation at the least.
        while True:
            await operation(i, size)
            done += 1
            i += concurrency
            if time.perf_counter() >= end:
                break

    await asyncio.gather(*(loop(i) for i in range(concurrency)))
    seconds = time.perf_counter() - start
    count = done * task["counts"]
    return {"count": count, "seconds": seconds, "cpu": (used() - cpu) * 1e6 / max(1, count)}


def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def main():
    close, operations = await (sa() if "sa" in sys.argv else plain())
    print(json.dumps({"kinds": list(operations)}), flush=True)
    loop = asyncio.get_running_loop()
    while True:
        # Nothing else runs while an order is awaited.
        line = await loop.run_in_executor(None, sys.stdin.readline)
        if not line:
            break
        order = json.loads(line)
        print(json.dumps(await measure(operations[order["task"]["kind"]], order)), flush=True)
    await close()


asyncio.run(main())
