"""Which broker the tests run on: the embedded one, or Apache Kafka by RAPPORT_TEST_BROKER=apache or with containers."""

import os

from tests import containers


def is_apache_wanted() -> bool:
    """Say whether tests shall run on Apache Kafka."""
    return are_others_left_out() or containers.are_wanted()


def are_others_left_out() -> bool:
    """Say whether only those tests shall run that use a broker: a second time, on Apache Kafka."""
    return os.environ.get("RAPPORT_TEST_BROKER") == "apache"
