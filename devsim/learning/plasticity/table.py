"""Which plasticity rules there are, and what each sees."""

from devsim.learning.plasticity.pair import PSTDP
from devsim.learning.plasticity.plasticity import Local, Plasticity

PLASTICITY: dict[str, type[Plasticity]] = {"PSTDP": PSTDP}
"""The rules by their short names."""


def survey() -> str:
    """A table, one rule a line: which local variables it uses."""
    width = max(map(len, PLASTICITY))
    rows = [f"{'':{width}}  " + "  ".join(Local)]
    for name, rule in PLASTICITY.items():
        marks = ("x" if local in rule.uses else "." for local in Local)
        rows.append(
            f"{name:{width}}  " + "  ".join(f"{m:^{len(local)}}" for m, local in zip(marks, Local, strict=True)).rstrip()
        )
    return "\n".join(rows)
