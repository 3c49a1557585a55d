from aiokafka.protocol import Request

class _Answer:
    error_code: int
    producer_id: int
    producer_epoch: int

class InitProducerIdRequest(Request[_Answer]):
    def __init__(self, transactional_id: str | None, transaction_timeout_ms: int) -> None: ...
