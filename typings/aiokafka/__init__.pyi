# What we use of aiokafka 0.14, which ships no complete types. Nothing else of it may be used without a line here.
from aiokafka.abc import ConsumerRebalanceListener as ConsumerRebalanceListener
from aiokafka.consumer import AIOKafkaConsumer as AIOKafkaConsumer
from aiokafka.producer import AIOKafkaProducer as AIOKafkaProducer
from aiokafka.structs import (
    ConsumerRecord as ConsumerRecord,
    OffsetAndMetadata as OffsetAndMetadata,
    TopicPartition as TopicPartition,
)
