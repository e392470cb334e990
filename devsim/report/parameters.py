"""The table of parameters that a report ends with."""

from collections.abc import Iterable

import numpy as np

from devsim.part import Part
from devsim.report.page import Cell, Column, Section, Table
from devsim.units import brief, symbol


def parameters_section(part: Part, chosen: Iterable[str] = ()) -> Section:
    """Every quantity of a chip or a part as it was used, by path; those that the user `chosen` are marked as set."""
    chosen = set(chosen)
    rows, marked = [], []
    for path, entry in part.parameters().items():
        q = entry.quantity
        if path in chosen:
            marked.append(len(rows))
        at_ideal = q.ideal is not None and bool(np.all(np.asarray(entry.value) == q.ideal))
        rows.append(
            [
                Cell(path, badge="set" if path in chosen else ""),
                brief(entry.value),
                "" if q.unit == "1" else symbol(q.unit),
                Cell("" if q.ideal is None else brief(q.ideal), soft=at_ideal),
                q.stage,
                q.doc,
            ]
        )
    kinds = {"path": "code", "value": "number", "unit": "text", "ideal": "number", "stage": "text", "meaning": "doc"}
    table = Table([Column(*each) for each in kinds.items()], rows, marked=frozenset(marked), small=True)
    text = "Every quantity by the path that `--set` takes, in SI units."
    return Section("parameters", "Parameters", [text + (" Marked rows were set." if marked else "")], [table])
