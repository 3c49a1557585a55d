"""Keep every event of a topic once and in order, whatever becomes of the broker: see docs/guides/subscribe.md."""

import asyncio, sqlite3, sys
from aiokafka import AIOKafkaConsumer, TopicPartition


async def subscribe(broker: str, topic: str, file: str) -> None:
    db, looked = sqlite3.connect(file, isolation_level=None), {}
    db.execute("CREATE TABLE IF NOT EXISTS events (partition, position, value, PRIMARY KEY (partition, position))")
    async with AIOKafkaConsumer(bootstrap_servers=broker, auto_offset_reset="earliest", metadata_max_age_ms=5_000) as kafka:
        kafka.subscribe(pattern=f"^{topic}$")  # a pattern never makes a topic, as asking for it by name can
        async for record in kafka:
            partition, position = record.partition, int(dict(record.headers)["ce_position"])
            done = db.execute("SELECT max(position) FROM events WHERE partition = ?", [partition]).fetchone()[0] or 0
            if position == done + 1:  # exactly the next number is new; what is at or below `done` is a repeat
                db.execute("INSERT INTO events VALUES (?, ?, ?)", [partition, position, record.value.decode()])
            elif position > done and looked.setdefault((partition, done), record) is record:  # a hole: look once more
                await kafka.seek_to_beginning(TopicPartition(topic, partition))


asyncio.run(subscribe(*sys.argv[1:]))
