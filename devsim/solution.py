"""What an analysis found, by net name, with its status in words."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check, newton
from devsim.compile import Plan
from devsim.dependency import zeros
from devsim.layout import Slot
from devsim.newton import Outcome
from devsim.ports import GROUND, Port


class Solution(eqx.Module):
    """Values of every net: `solution["out"]`; leading axes are those of the batch it was found in.

    A solve that failed holds NaN; `status` is 0 where all is well, else an index into `devsim.newton.WORDS`.
    """

    segments: list[Array]
    outcomes: list[Outcome]
    plan: Plan = eqx.field(static=True)
    analysis: str = eqx.field(static=True)

    def __getitem__(self, net: str) -> Array | np.ndarray:
        """Value of a net; leading batch axes, then the net's shape.

        Potential in V on electrical nets; on optical nets the wave (W^0.5) that leaves the first of its pins from
        which one can leave; `wave` tells both directions.
        """
        port = Port("electrical") if net == GROUND else self.plan.netlist.net_ports().get(net)
        if port is None:
            raise check.InputError(f"There is no net `{net}`.{check.suggest(net, self.nets())}")
        return self._value(self.plan.slot(net), port)

    def wave(self, pin: str) -> Array | np.ndarray:
        """The wave (W^0.5) that leaves the optical port `part.port`. Raises InputError for any other name."""
        ports = self.plan.netlist.pin_ports()
        optical = [name for name, port in ports.items() if port.domain == "optical"]
        if pin not in optical:
            raise check.InputError(f"There is no optical port `{pin}`.{check.suggest(pin, optical)}")
        return self._value(self.plan.slots.get(("wave", pin)), ports[pin])

    def _value(self, slot: Slot | None, port: Port) -> Array | np.ndarray:
        """What stands at a slot; zero where there is none."""
        return slot.read(self.segments) if slot else zeros(port, self.segments[0].shape[:-1])

    def nets(self) -> list[str]:
        """Every net that has a value, ground left out."""
        return list(self.plan.netlist.net_ports())

    def outputs(self) -> dict[str, Array | np.ndarray]:
        """The circuit's named outputs."""
        return {name: self[net] for name, net in self.plan.netlist.outputs}

    @property
    def status(self) -> Array:
        """0 where every solve converged."""
        return jnp.max(jnp.stack([o.status for o in self.outcomes]), axis=0) if self.outcomes else jnp.zeros((), int)

    @property
    def steps(self) -> Array:
        """Newton iterations of all solves together; 0 where none was needed."""
        return sum((o.steps for o in self.outcomes), jnp.zeros((), int))

    def words(self) -> str:
        """The status in words, naming what moved last where a solve failed."""
        if not self.outcomes:
            return "evaluated in order; no solve was needed"
        status = np.asarray(self.status)
        if (status == 0).all():
            return f"converged in {int(np.max(np.asarray(self.steps)))} Newton steps"
        loops = [step for step in self.plan.steps if step.implicit]
        told = []
        for step, outcome in zip(loops, self.outcomes, strict=True):
            codes = np.atleast_1d(np.asarray(outcome.status))
            if codes.any():
                worst = int(np.atleast_1d(np.asarray(outcome.worst))[np.argmax(codes != 0)])
                told.append(f"{newton.WORDS[codes.max()]} at {step.names[worst]} ({(codes != 0).sum()} of {codes.size} solves)")
        return "; ".join(told)

    def __str__(self) -> str:
        ports = self.plan.netlist.net_ports()
        lines = [f"{self.analysis}: {self.words()}"]
        for net in self.nets()[:24]:
            unit = {"electrical": " V", "optical": " W^0.5"}.get(ports[net].domain, "")
            lines.append(f"  {net:<20} {summary(self[net])}{unit}")
        if len(self.nets()) > 24:
            lines.append(f"  ... and {len(self.nets()) - 24} more nets")
        return "\n".join(lines)

    __repr__ = __str__


def summary(value: Array) -> str:
    """A number as it is, an array by its shape, extremes and mean."""
    if not check.is_concrete(value):
        return f"{value.dtype}{list(jax.numpy.shape(value))}"
    array = np.asarray(value)
    if array.ndim == 0:
        return f"{array.item():.6g}"
    if np.iscomplexobj(array):
        return f"shape {array.shape}, magnitude {abs(array).min():.6g} to {abs(array).max():.6g}"
    return f"shape {array.shape}, {array.min():.6g} to {array.max():.6g}, mean {array.mean():.6g}"
