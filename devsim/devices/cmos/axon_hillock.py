"""`AxonHillock`: the neuron that a capacitor feeds back to."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.cmos.current_mode import CurrentMode
from devsim.parameter import deviation, parameter
from devsim.ports import Balance, Noise, signal_out, spikes_out
from devsim.surrogate import spike


class AxonHillock(CurrentMode):
    """Neurons whose output pulse lifts their own membrane through a capacitor; a pin or a bus.

    Equations: (C_m + C_fb) dV/dt = I_in - I_r high, high = 1 while the output is at V_DD, else 0;
      at V_sw, a share of V_DD, from below: high := 1 and V := V + V_DD C_fb / (C_m + C_fb), an event; from above: back again.
      For a constant I_in below I_r: t_low = V_DD C_fb / I_in, t_high = V_DD C_fb / (I_r - I_in), and the frequency is
      I_in / (C_fb V_DD) (1 - I_in / I_r). From I_in = I_r on, the output stays high after the first event.
      The derivative of an event with respect to V is that of a fast sigmoid of `surrogate_width`.
    Source: Mead, Analog VLSI and Neural Systems (Addison-Wesley, 1989), chapter 12; surrogate gradient: Neftci, Mostafa and
    Zenke, IEEE Signal Process. Mag. 36(6), 51 (2019).
    Valid: inverters that switch at once and draw no current; C_fb small enough that the membrane stays between the rails. In a
    circuit, events are on the grid of the time steps; `advance` finds them within a step.
    """

    biases = ("reset_current",)

    reset_current: Array = parameter(
        1e-9, unit="A", bounds=above(0), doc="I_r that discharges the membrane while the output is high, a number or shape (n,)"
    )
    membrane_capacitance: Array = parameter(1e-12, unit="F", bounds=above(0), doc="C_m from the membrane to ground")
    membrane_capacitance_spread: Array = deviation("membrane_capacitance", "1", "lognormal")
    feedback_capacitance: Array = parameter(0.2e-12, unit="F", bounds=above(0), doc="C_fb from the output to the membrane")
    feedback_capacitance_spread: Array = deviation("feedback_capacitance", "1", "lognormal")
    switching_share: Array = parameter(0.5, unit="1", bounds=above(0, 1), doc="V_sw, as a share of the supply")
    surrogate_width: Array = parameter(
        0.1, unit="V", bounds=above(0), doc="width of the surrogate derivative; no effect on the events"
    )

    def ports(self):
        """A current `input` in, the events `spikes`, and the voltage of the `output` as a signal."""
        shape = self.shape()
        return {"input": self.current_in(), "spikes": spikes_out(shape), "output": signal_out(shape)}

    def rest(self):
        """The membrane (V), and whether the output is high (1 or 0)."""
        return {"membrane": self.silent(), "high": self.silent()}

    def switching(self) -> Array:
        """V_sw at its supply, V."""
        return self.switching_share * self.technology.supply()

    def capacitance(self) -> Array:
        """All that is on the membrane, F."""
        return self.membrane_capacitance + self.feedback_capacitance

    def lift(self) -> Array:
        """How far the output lifts the membrane, V."""
        return self.technology.supply() * self.feedback_capacitance / self.capacitance()

    def slope(self, drive: Array, high: Array) -> Array:
        """dV/dt (V/s) under a current `drive` (A)."""
        return (drive - self.bias("reset_current") * high) / self.capacitance()

    def event(self, membrane: Array, high: Array) -> Array:
        """1.0 where a low output goes high, else 0.0."""
        return spike(membrane - self.switching(), self.surrogate_width) * (1 - high)

    def falls(self, membrane: Array, high: Array) -> Array:
        """1.0 where a high output goes low, else 0.0."""
        return jnp.where(membrane < self.switching(), high, 0.0)

    def advance(self, state: dict[str, Array], drive: Array, seconds: Array) -> tuple[dict, Array]:
        """The state after a step under a constant current `drive` (A), and its events, exactly, for scans in time.

        state: as `rest`, with any axes in front, as the drive. A step holds up to three switchings; what it would hold beyond
        them is lost, so that steps are to be shorter than t_low + t_high.
        """
        membrane, high, left, first = self._leg(state["membrane"], state["high"], seconds, drive)
        membrane, high, left, second = self._leg(membrane, high, left, drive)
        membrane, high, _, third = self._leg(membrane, high, left, drive)
        return {"membrane": membrane, "high": high}, first + second + third

    def _leg(self, membrane: Array, high: Array, left: Array, drive: Array):
        """Straight on, to the next switching or to the end of the time `left` (s)."""
        slope = self.slope(drive, high)
        free = membrane + slope * left
        event, fall = self.event(free, high), self.falls(free, high)
        switched = (event > 0.5) | (fall > 0.5)
        late = jnp.where(switched, free - self.switching(), 0.0) / jnp.where(switched, slope, 1.0)
        lifted = jnp.where(high > 0.5, -self.lift(), self.lift())
        after = jnp.where(switched, self.switching() + lifted, free)
        return after, jnp.where(switched, 1 - high, high), jnp.minimum(late, left), event

    def balance(self, t, p, x):
        """The charge on the membrane, and the event."""
        membrane, high = x["membrane"], x["high"]
        static = {
            "spikes": self.event(membrane, high),
            "output": self.everywhere(self.technology.supply()) * high,
            "membrane": -self.capacitance() * self.slope(p["input"], high),
            "high": jnp.zeros_like(high),
        }
        return Balance(static | self.held("input"), {"membrane": self.capacitance() * membrane, "high": high})

    def jump(self, t, p, x):
        """The output switches and takes the membrane along."""
        event, fall = self.event(x["membrane"], x["high"]), self.falls(x["membrane"], x["high"])
        turn = event - fall
        return {"membrane": x["membrane"] + self.lift() * turn, "high": x["high"] + turn}

    def noise(self, p, x):
        """Shot noise of the currents through the membrane."""
        through = p["input"] + self.bias("reset_current") * x["high"]
        return {"shot": Noise(self.everywhere(self.technology.shot_noise(through)), ("membrane",))}
