"""Our partitions are those of Kafka's default partitioner, so that joins by foreign systems agree."""

from aiokafka.partitioner import murmur2 as kafkas
from hypothesis import given, strategies as st

from rapport_events.murmur import murmur2


@given(st.binary(max_size=120))
def test_the_hash_is_that_of_kafka_s_partitioner(data: bytes) -> None:
    assert murmur2(data) == kafkas(data)


def test_the_hash_of_known_keys_never_changes() -> None:
    # The values are those of Kafka's own test of its Java client, there as signed numbers.
    known = {
        b"21": -973932308,
        b"foobar": -790332482,
        b"a-little-bit-long-string": -985981536,
        b"a-little-bit-longer-string": -1486304829,
        b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
        b"abc": 479470107,
    }

    assert {key: murmur2(key) for key in known} == {key: value & 0xFFFFFFFF for key, value in known.items()}
