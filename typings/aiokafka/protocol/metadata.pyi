from aiokafka.protocol import Request

class MetadataRequest(Request[object]):
    def __init__(self, topics: list[str] | None = ..., allow_auto_topic_creation: bool = ...) -> None: ...
