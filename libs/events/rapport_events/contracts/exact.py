"""Decimals that are exact: strings on the wire, because numbers of JSON are not exact everywhere."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic.annotated_handlers import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True, slots=True)
class Exact:
    """
    A decimal with at most so many digits before and behind the point.

    One that comes as a string, as all do that come over the wire, is checked by its form: twice as fast as by its
    digits, and a purchase has many of them.
    """

    whole: int
    places: int
    least: Decimal | None = None
    most: Decimal | None = None

    @property
    def pattern(self) -> str:
        """The form on the wire: never with an exponent."""
        sign = "-?" if self.least is None else ""
        return rf"^{sign}[0-9]{{1,{self.whole}}}(\.[0-9]{{1,{self.places}}})?$"

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(strict=True, pattern=self.pattern)
        number = core_schema.decimal_schema(
            max_digits=self.whole + self.places, decimal_places=self.places, allow_inf_nan=False
        )
        message = (
            f"Input should be a decimal, with at most {self.whole} digits before the point and {self.places} behind"
        )
        either: CoreSchema = core_schema.union_schema(
            [text, number], mode="left_to_right", custom_error_type="decimal", custom_error_message=message
        )
        return core_schema.chain_schema([either, core_schema.decimal_schema(ge=self.least, le=self.most)])

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Say that the wire holds a string, because numbers of JSON are not exact everywhere."""
        return {"type": "string", "format": "decimal", "pattern": self.pattern}
