"""What a transient found: values over time by net name, and the state from which it can go on."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.compile import Plan, label
from devsim.layout import REST_SEGMENT
from devsim.newton import WORDS

UNITS = {"electrical": "V", "optical": "W^0.5", "signal": "1", "spike": "events"}


class Trajectory(eqx.Module):
    """Values over time: `trajectory["out"]`, of shape (times, ...); leading axes are those of a batch.

    time: s, (times,). values: by name of a net, or `part.unknown`. status: 0 where all is well, else an index into
    `devsim.newton.WORDS`; failed_step and failed_at tell where. state: where the run ended, for `transient(start=...)`.
    """

    time: Array
    values: dict[str, Array]
    status: Array
    failed_step: Array
    failed_at: Array
    state: Any
    step: Array
    units: dict[str, str] = eqx.field(static=True)
    method: str = eqx.field(static=True)
    plan: Plan = eqx.field(static=True)

    def __getitem__(self, name: str) -> Array:
        """Values of a net (V, W^0.5, 1, events) or of a `part.unknown` over time."""
        if name not in self.values:
            raise check.InputError(f"Nothing was kept of `{name}`.{check.suggest(str(name), self.values)}")
        return self.values[name]

    def words(self) -> str:
        """The status in words: where and when a step failed, and what to try."""
        if not np.asarray(self.status).any():
            return f"{self.method}, {int(np.asarray(self.time).shape[-1])} times kept, all steps converged"
        where = np.flatnonzero(np.ravel(self.status))[0]
        status, step, (loop, worst) = (
            int(np.ravel(self.status)[where]),
            int(np.ravel(self.failed_step)[where]),
            np.reshape(self.failed_at, (-1, 2))[where],
        )
        t = step * float(np.ravel(self.step)[0])
        loops = [each.segment for each in self.plan.steps if each.implicit]
        place = f" at {placed(self.plan, loops[int(loop)], int(worst))}," if loop >= 0 else ""
        return f"{WORDS[status]}{place} in step {step} at t = {t:.6g} s"

    def not_finite(self) -> str | None:
        """What is no longer finite where the run ended, in words; None where all is."""
        state = self.state
        if state is None:
            return None
        ends = {REST_SEGMENT: state.rest} if hasattr(state, "rest") else dict(enumerate(state.segments))
        for segment, values in ends.items():
            bad = ~np.isfinite(np.asarray(values)).all(axis=tuple(range(np.ndim(values) - 1)))
            if bad.any():
                return placed(self.plan, segment, int(np.argmax(bad)))
        return None

    def dataset(self):
        """The values as an `xarray.Dataset` over `time`, with units; complex values as real and imaginary parts."""
        from devsim.dataset import dataset

        variables = {name: (np.asarray(value), self.units[name]) for name, value in self.values.items()}
        return dataset(("time", np.asarray(self.time), "s"), variables, analysis="transient", method=self.method)

    def __str__(self) -> str:
        lines = [f"transient: {self.words()}"]
        for name, value in list(self.values.items())[:24]:
            size = jnp.abs(value) if jnp.iscomplexobj(value) else value
            low, high = float(jnp.min(size)), float(jnp.max(size))
            lines.append(f"  {name:<20} {low:.6g} to {high:.6g} {self.units[name]}")
        return "\n".join(lines)

    __repr__ = __str__


def placed(plan: Plan, segment: int, index: int) -> str:
    """In words, what lives at a place of a segment, and the nets or pins around it."""
    slots = plan.slots | plan.at_rest if segment == REST_SEGMENT else plan.slots
    node = next(n for n, s in slots.items() if s.segment == segment and s.offset <= index < s.offset + s.size)
    graph = plan.graph
    if node[0] == "unknown":
        pins = [f"{node[1]}.{name}" for name in graph.outline(node[1]).ports]
        around = dict.fromkeys(f"`{graph.net_of[pin]}`" for pin in pins if pin in graph.net_of)
        return f"{label(node)} (at {', '.join(around)})" if around else label(node)
    net = graph.net_of[node[1]] if node[0] == "wave" else node[1]
    return f"{label(node)} (of {', '.join(f'`{pin}`' for pin in graph.pins_of[net])})"
