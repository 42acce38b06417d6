"""The schema of `status --json` describes what is really printed."""

import json
from typing import Any

import jsonschema
import pytest

from bridged.cli.offline import status_schema
from bridged.report import Report, as_json
from tests.unit.serve.reports import AS_DESIRED, BROKEN, CONTENDED, DRIFTING, PAUSED


def strict(schema: Any) -> Any:
    """The schema with unknown keys forbidden: every key that is printed must be described."""
    if isinstance(schema, dict):
        schema = {key: strict(value) for key, value in schema.items()}
        if "properties" in schema:
            schema["additionalProperties"] = False
    return schema


@pytest.mark.parametrize("report", [AS_DESIRED, DRIFTING, CONTENDED, BROKEN, PAUSED])
def test_real_output_is_valid(report: Report) -> None:
    schema = strict(status_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(json.dumps(as_json(report))), schema)


def test_what_is_not_a_report_is_not_valid() -> None:
    document = json.loads(json.dumps(as_json(AS_DESIRED)))
    document["objects"][0]["condition"] = "fine"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, status_schema())
    del document["objects"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, status_schema())
