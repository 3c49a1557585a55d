"""Identifiers: who, which stream, and the one partition in which a stream lives for ever."""

import hashlib
import os
import time
from functools import lru_cache
from typing import NewType
from uuid import UUID

from rapport_events.murmur import murmur2

PARTITIONS = 32
"""Partitions of every ledger and topic. It can never change: every stored position depends on it."""

TenantId = NewType("TenantId", str)
CustomerId = NewType("CustomerId", UUID)
EventId = NewType("EventId", UUID)

_CUSTOMER = "customer-"
_TENANT = "tenant-"
_SHORTEST = len("x-") + 36


@lru_cache(maxsize=65_536)
def partition_of_key(tenant: TenantId, subject: str) -> int:
    """
    Return the partition (0 to 31) of the record key `tenant:subject`.

    The hash is that of Kafka's default partitioner, so joins by foreign systems agree.
    """
    return (murmur2(f"{tenant}:{subject}".encode()) & 0x7FFFFFFF) % PARTITIONS


def partition_of_customer(tenant: TenantId, customer: CustomerId) -> int:
    """Return the partition (0 to 31) in which everything about a customer lies."""
    return partition_of_key(tenant, str(customer))


def partition_of_stream(tenant: TenantId, stream: str) -> int:
    """
    Return the partition (0 to 31) of a stream, from its name alone.

    Raises:
        ValueError: The name is not `<noun>-<uuid>`, or the last byte of its UUID is no partition.
    """
    if stream.startswith(_CUSTOMER):
        return partition_of_key(tenant, stream[len(_CUSTOMER) :])
    if stream.startswith(_TENANT):
        return partition_of_key(tenant, stream[len(_TENANT) :])
    try:
        partition = int(stream[-2:], 16)
    except ValueError:
        partition = PARTITIONS
    if partition >= PARTITIONS or len(stream) < _SHORTEST or stream[-37] != "-":
        msg = f"stream {stream!r} is not <noun>-<uuid> whose last byte is a partition (0 to 31)"
        raise ValueError(msg)
    return partition


def partition_of_subject(tenant: TenantId, stream: str, subject: str) -> int:
    """Return the partition of an event's subject: a job that is its own subject carries it, others are hashed."""
    if stream.endswith(f"-{subject}"):
        return partition_of_stream(tenant, stream)
    return partition_of_key(tenant, subject)


def stream_id(stream: str) -> UUID:
    """Return the UUID in a stream's name."""
    return UUID(stream[-36:])


def new_id(partition: int | None = None) -> UUID:
    """Make a UUIDv7; with a partition (0 to 31), its last byte says in which the stream begins."""
    milliseconds = time.time_ns() // 1_000_000
    noise = int.from_bytes(os.urandom(10))
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | noise
    value = value & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62
    if partition is not None:
        value = value & ~0xFF | partition
    return UUID(int=value)


def named_id(partition: int, *names: str) -> UUID:
    """Make the id of a thing from its names: always the same (UUIDv8), and its last byte says where it begins."""
    value = int.from_bytes(hashlib.sha256(":".join(names).encode()).digest()[:16])
    value = value & ~(0xF << 76) & ~(0x3 << 62) | 0x8 << 76 | 0x2 << 62
    return UUID(int=value & ~0xFF | partition)
