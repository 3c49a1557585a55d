from tests.events.servers import ledger_template, service

__all__ = ["ledger_template", "service"]
