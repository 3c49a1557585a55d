"""The JSON Schema of an event's data as they stand on the wire."""

from typing import cast

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from rapport_events.contracts.base import Event, JsonSchema

_Field = core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField | core_schema.ComputedField


class _WireSchema(GenerateJsonSchema):
    """Says what we write: a member without a value is left out, so nothing is null and what may lack is optional."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_is_required(
        self, field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField, total: bool
    ) -> bool:
        del total
        inner = cast("core_schema.WithDefaultSchema", field["schema"])
        return inner["type"] != "default"

    def field_title_should_be_set(self, schema: object) -> bool:
        del schema
        return False


def json_schema_of(event: type[Event]) -> JsonSchema:
    """
    Return the JSON Schema (2020-12) of an event's data.

    A personal value is a string of `format: sealed`; beside it, as `contentSchema`, stands what it holds when opened.
    """
    schema = event.model_json_schema(mode="serialization", schema_generator=_WireSchema)
    del schema["properties"]["type"]
    return schema
