"""Which broker the tests run on: the embedded one, or Apache Kafka from its jars by RAPPORT_TEST_BROKER=apache."""

import os


def is_apache_wanted() -> bool:
    """Say whether tests shall run on Apache Kafka."""
    return os.environ.get("RAPPORT_TEST_BROKER") == "apache"
