"""JSON as every reader of it accepts it."""

import json
import math
from typing import Any


def encoded(value: Any, *, indent: int | None = 2) -> str:
    """`value` as JSON; a number that JSON cannot hold (NaN, infinity) is null."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False, ensure_ascii=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
