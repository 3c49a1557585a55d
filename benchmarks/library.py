"""The same totals, kept by the library `eventsourcing` as its manual shows it: a projection on its own recorder."""

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL

_AT_ONCE = 500
_SECONDS_MAX = 300

Sale = tuple[UUID, str, Decimal]
"""Customer, currency, total."""


class Purchase(Aggregate):
    """One purchase, of one event."""

    @event("Made")
    def __init__(self, customer: UUID, currency: str, total: Decimal) -> None:
        """Keep what was bought."""
        self.customer = customer
        self.currency = currency
        self.total = total


class Till(Application[UUID]):
    """Records purchases."""

    def record(self, sales: Sequence[Sale]) -> int:
        """Record purchases in one transaction; return the number of the last one."""
        return self.save(*(Purchase(*sale) for sale in sales))[-1].notification.id


class TotalsTable(PostgresTrackingRecorder):
    """Rows of the same shape as those of the view `totals`, beside the library's own tracking."""

    def __init__(self, datastore: PostgresDatastore, **options: Any) -> None:  # noqa: ANN401  # the library's own
        super().__init__(datastore, **options)
        self.sql_create_statements.append(
            SQL(
                "CREATE TABLE IF NOT EXISTS library_totals (tenant_id text, customer uuid, currency text,"
                " purchases int, revenue numeric, first_purchase_at timestamptz, last_purchase_at timestamptz,"
                " PRIMARY KEY (tenant_id, customer, currency))"
            ).format()
        )

    def add(self, made: Any, tracking: Tracking) -> None:  # noqa: ANN401  # the library makes this class
        """Count a purchase, in one transaction with the tracking."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(
                "INSERT INTO library_totals AS t VALUES ('acme', %s, %s, 1, %s, %s, %s)"
                " ON CONFLICT (tenant_id, customer, currency) DO UPDATE SET purchases = t.purchases + 1,"
                " revenue = t.revenue + excluded.revenue,"
                " first_purchase_at = least(t.first_purchase_at, excluded.first_purchase_at),"
                " last_purchase_at = greatest(t.last_purchase_at, excluded.last_purchase_at)",
                (made.customer, made.currency, made.total, made.timestamp, made.timestamp),
                prepare=True,
            )

    def purchases(self) -> int:
        """Return how many are counted."""
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute("SELECT coalesce(sum(purchases), 0)::int AS purchases FROM library_totals")
            row = cursor.fetchone()
        return int(row["purchases"]) if row else 0


class Totalling(Projection[TotalsTable]):
    """Counts purchases."""

    def process_event(  # pyright: ignore[reportIncompatibleVariableOverride]  # there it dispatches by type
        self,
        domain_event: Any,  # noqa: ANN401  # the library's own
        tracking: Tracking,
    ) -> None:
        """Count one."""
        self.view.add(domain_event, tracking)


def run_library(dsn: str, sales: Sequence[Sale]) -> float:
    """Record purchases, then keep their totals from an empty start; return the seconds that the totals took."""
    url = urlsplit(dsn)
    environment = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": url.path[1:],
        "POSTGRES_HOST": url.hostname or "",
        "POSTGRES_PORT": str(url.port),
        "POSTGRES_USER": url.username or "",
        "POSTGRES_PASSWORD": url.password or "",
    }
    till = Till(environment)
    last = 0
    for first in range(0, len(sales), _AT_ONCE):
        last = till.record(sales[first : first + _AT_ONCE])
    till.close()
    began = time.perf_counter()
    with ProjectionRunner(
        application_class=Till, projection_class=Totalling, view_class=TotalsTable, env=environment
    ) as runner:
        runner.wait(last, timeout=_SECONDS_MAX)
        seconds = time.perf_counter() - began
        assert runner.view.purchases() == len(sales)
    return seconds
