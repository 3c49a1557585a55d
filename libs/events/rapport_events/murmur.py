"""The hash of Kafka's default partitioner, here so that whoever needs a partition need not load a Kafka client."""

import struct

_SEED = 0x9747B28C
_MIX = 0x5BD1E995
_WORD = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Return the 32-bit MurmurHash2 (Austin Appleby) with the seed that Kafka's Java client uses."""
    value = _SEED ^ len(data)
    whole = len(data) & ~3
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        mixed = word * _MIX & _WORD
        value = (value * _MIX & _WORD) ^ ((mixed ^ mixed >> 24) * _MIX & _WORD)
    if len(data) > whole:
        value = (value ^ int.from_bytes(data[whole:], "little")) * _MIX & _WORD
    value = (value ^ value >> 13) * _MIX & _WORD
    return value ^ value >> 15
