"""`DPINeuron`: the differential-pair integrator that fires."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import above
from devsim.devices.cmos.current_mode import CurrentMode
from devsim.devices.cmos.dpi_synapse import DPISynapse
from devsim.devices.cmos.log_domain import charged, current_of, discharged, log_of
from devsim.devices.spiking.countdown import over, restarted, waiting
from devsim.parameter import deviation, parameter
from devsim.ports import Balance, Noise, Unknown, spikes_out
from devsim.surrogate import spike

LATE = 2.0
"""The most time, over a step, that `advance` makes up for: a crossing early in a step leaves almost one step to the next."""


class DPINeuron(CurrentMode):
    """Adaptive exponential integrate-and-fire neurons of subthreshold transistors; a pin or a bus.

    Equations, exact for saturated transistors, with v = ln I, tau = C U_T / (kappa I_tau), all sinks s sharing a drain:
      tau dv/dt = I_in / (I_tau (1 + I / I_th)) - s (1 - (I_0 / I)^(1/kappa)) + I_a / I_tau, s = 1 + (I_ahp + I_inh) / I_tau;
      positive feedback I_a = feedback I_0 (I / I_0)^(kappa / (kappa + 1)), the upstroke; without it, a pure integrator.
      An event where I > I_spk; then I := I_reset for t_ref = V_sw C_ref / I_ref, V_sw a share of the supply. The derivative of
      the event with respect to ln I is that of a fast sigmoid of `surrogate_width`.
      Adaptation: every event is a pulse of I_w into a `DPISynapse`, whose output I_ahp discharges the membrane.
      Without feedback, far above I_0, a constant input gives the interval t_ref + tau / s (Phi(I_spk) - Phi(I_reset)),
      Phi(I) = (I_th / I_inf) ln I - (1 + I_th / I_inf) ln(I_inf - I),  I_inf = I_th (I_in / (s I_tau) - 1).
    Source: Livi and Indiveri, ISCAS 2009, 2898; Chicca, Stefanini, Bartolozzi and Indiveri, Proc. IEEE 102, 1367 (2014);
    surrogate gradient: Neftci, Mostafa and Zenke, IEEE Signal Process. Mag. 36(6), 51 (2019).
    Valid: weak inversion. In a circuit, events are on the grid of the time steps, and explicit steps have to be short beside
    tau I_tau / I_in, in which a low current charges; `advance` finds events within a step, of any length.

    Raises InputError where a known I_reset is not below I_spk.
    """

    biases = (
        "adaptation_time_constant_current",
        "adaptation_gain_current",
        "time_constant_current",
        "gain_current",
        "spike_current",
        "reset_current",
        "refractory_current",
        "adaptation_current",
    )

    spike_current: Array = parameter(1e-9, unit="A", bounds=above(0), doc="I_spk at which it fires, a number or shape (n,)")
    time_constant_current: Array = parameter(8e-12, unit="A", bounds=above(0), doc="I_tau, that discharges the membrane")
    gain_current: Array = parameter(0.9e-12, unit="A", bounds=above(0), doc="I_th, that sets the gain I_th / I_tau")
    reset_current: Array = parameter(0.6e-12, unit="A", bounds=above(0), doc="I_reset after an event")
    capacitance: Array = parameter(1.5e-12, unit="F", bounds=above(0), doc="membrane capacitance C")
    capacitance_spread: Array = deviation("capacitance", "1", "lognormal")
    feedback: Array = parameter(
        1.0, unit="1", bounds=(0, None), ideal=0.0, doc="positive feedback, over that of equal transistors"
    )
    refractory_current: Array = parameter(1.35e-9, unit="A", bounds=above(0), doc="I_ref, that ends the refractory time")
    refractory_capacitance: Array = parameter(1.5e-12, unit="F", bounds=above(0), doc="C_ref")
    switching_share: Array = parameter(
        0.5, unit="1", bounds=above(0, 1), doc="share of the supply at which the inverter of the refractory time switches"
    )
    adaptation_current: Array = parameter(
        1e-12, unit="A", bounds=(0, None), doc="I_w of the pulse that an event brings to the adaptation; zero for none"
    )
    adaptation_pulse_width: Array = parameter(1e-3, unit="s", bounds=above(0), doc="length of that pulse")
    adaptation_time_constant_current: Array = parameter(1e-12, unit="A", bounds=above(0), doc="I_tau of the adaptation")
    adaptation_gain_current: Array = parameter(1e-12, unit="A", bounds=above(0), doc="I_th of the adaptation")
    adaptation_capacitance: Array = parameter(1e-12, unit="F", bounds=above(0), doc="C of the adaptation")
    adaptation_capacitance_spread: Array = deviation("adaptation_capacitance", "1", "lognormal")
    surrogate_width: Array = parameter(
        0.5, unit="1", bounds=above(0), doc="width of the surrogate derivative in ln I; no effect on the events"
    )

    def go_together(self):
        """A neuron starts again below where it fires."""
        check.at_most("reset_current", self.reset_current, "spike_current", self.spike_current, "A", strict=True)

    def ports(self):
        """Currents `input` and `inhibition` in, the events `spikes`, and the `membrane` current out."""
        enter = self.current_in()
        return {"input": enter, "inhibition": enter, "spikes": spikes_out(self.shape()), "membrane": self.current_out()}

    def rest(self):
        """ln(I / 1 pA) of the membrane and of the adaptation, at the off current; the countdown of the refractory time (s)."""
        off = jnp.broadcast_to(log_of(self.technology.off_current()), self.shape())
        return {"log_current": Unknown(off), "log_adaptation": Unknown(off), "countdown": over(self.shape())}

    def time_constant(self) -> Array:
        """tau of this die, s."""
        return self.technology.time_constant(self.capacitance, self.bias("time_constant_current"))

    def refractory_time(self) -> Array:
        """t_ref of this die at its supply, s."""
        switching = self.switching_share * self.technology.supply()
        return switching * self.refractory_capacitance / self.bias("refractory_current")

    def adaptation(self) -> DPISynapse:
        """The integrator of its own events, with the mirrors of this die."""
        drawn = lambda field, rows: field[rows] if jnp.ndim(field) else field
        return DPISynapse(
            weight_current=self.everywhere(self.adaptation_current),
            time_constant_current=self.adaptation_time_constant_current,
            gain_current=self.adaptation_gain_current,
            capacitance=self.adaptation_capacitance,
            pulse_width=self.adaptation_pulse_width,
            weight_shift=drawn(self.threshold_shift, -1),
            technology=self.technology,
            threshold_shift=drawn(self.threshold_shift, slice(0, 2)),
            ageing_share=drawn(self.ageing_share, slice(0, 2)),
        )

    def fed_back(self, log_current: Array) -> Array:
        """I_a (A) of ln(I / 1 pA)."""
        kappa, floor = self.technology.gate_coupling, log_of(self.technology.off_current())
        return self.feedback * current_of(floor + (log_current - floor) * kappa / (kappa + 1))

    def rate(self, log_current: Array, drive: Array, sunk: Array) -> Array:
        """d ln I / dt (1/s) under a constant current `drive` (A) in; `sunk` (A) is what inhibition and adaptation take."""
        technology, leak = self.technology, self.bias("time_constant_current")
        current = current_of(log_current)
        saturated = 1 - (technology.off_current() / current) ** (1 / technology.gate_coupling)
        charge = drive / (1 + current / self.bias("gain_current")) + self.fed_back(log_current)
        return (charge - (leak + sunk) * saturated) / (leak * self.time_constant())

    def event(self, log_current: Array, ready: Array) -> Array:
        """1.0 where the current is above I_spk and the neuron `ready`, else 0.0."""
        above_threshold = spike(log_current - log_of(self.bias("spike_current")), self.surrogate_width)
        return above_threshold * jnp.where(ready, 1.0, 0.0)

    def reset(self, log_current: Array, event: Array) -> Array:
        """ln(I / 1 pA) after an `event`; the surrogate derivative is one of what events do elsewhere, not of this."""
        return jnp.where(event > 0.5, log_of(self.bias("reset_current")), log_current)

    def advance(self, state: dict[str, Array], drive: Array, inhibition: Array, seconds: Array) -> tuple[dict, Array]:
        """The state after a step under constant currents (A), and its events: what a circuit computes, for scans in time.

        Every piece is solved exactly, whence it is stable and positive at any step, and of second order in it: half of the
        sinks, half of the feedback, the input, the other halves. An event is placed within the step by a straight line through
        ln I, and what is left of the step counts as refractory time; so does the part of a step after that time. Derivatives
        pass through events by their surrogate alone: where within a step they are has none, nor has the reset.
        state: as `rest`, with any axes in front, as drive and inhibition; events are 0.0 or 1.0 and at most one in a step.
        """
        adaptation, leak = self.adaptation(), self.bias("time_constant_current")
        tau, floor, kappa = self.time_constant(), log_of(self.technology.off_current()), self.technology.gate_coupling
        live = jnp.clip(seconds - state["countdown"], 0.0, LATE * seconds)
        times = live / tau
        adapted = adaptation.relaxed(state["log_adaptation"], seconds)
        sunk = inhibition + current_of(0.5 * (state["log_adaptation"] + adapted))
        half = 0.5 * times * (1 + sunk / leak)
        start = state["log_current"]
        v = discharged(start, floor, half, kappa)
        lift = 0.5 * times * self.fed_back(v) / leak
        gain = log_of(self.bias("gain_current"))
        v = charged(v + lift - gain, times * drive / leak) + gain
        v += 0.5 * times * self.fed_back(v + lift) / leak
        v = discharged(v, floor, half, kappa)
        event, threshold = self.event(v, live > 0), log_of(self.bias("spike_current"))
        fired = event > 0.5
        share = jnp.where(fired, v - threshold, 0.0) / jnp.where(fired, v - jnp.minimum(start, threshold), 1.0)
        late = jax.lax.stop_gradient(live * share)
        return {
            "log_current": self.reset(v, event),
            "log_adaptation": adaptation.struck(adapted, adaptation.dose(event)),
            "countdown": jnp.where(fired, self.refractory_time() - late, jnp.maximum(state["countdown"] - seconds, 0.0)),
        }, event

    def balance(self, t, p, x):
        """The charges on the membrane and of the adaptation, as logarithms of the currents that they command; the event."""
        v, adapted = x["log_current"], x["log_adaptation"]
        resting = waiting(x["countdown"], self.refractory_time())
        rate = self.rate(v, p["input"], p["inhibition"] + current_of(adapted))
        static = {
            "spikes": self.event(v, ~resting),
            "membrane": self.sent(current_of(v)),
            "log_current": jnp.where(resting, 0.0, -rate),
            "log_adaptation": -self.adaptation().rate(adapted, 0.0),
            "countdown": jnp.ones_like(v),
        }
        return Balance(static | self.held("input", "inhibition"), dict(x))

    def jump(self, t, p, x):
        """Reset, a pulse to the adaptation; the refractory time begins."""
        v, wait, adaptation = x["log_current"], self.refractory_time(), self.adaptation()
        event = self.event(v, ~waiting(x["countdown"], wait))
        return {
            "log_current": self.reset(v, event),
            "log_adaptation": adaptation.struck(x["log_adaptation"], adaptation.dose(event)),
            "countdown": restarted(x["countdown"], event, wait),
        }

    def noise(self, p, x):
        """Shot noise of what charges and discharges the membrane, flicker noise of its leak, as rates of ln I."""
        technology, v, leak = self.technology, x["log_current"], self.bias("time_constant_current")
        into = p["input"] / (1 + current_of(v) / self.bias("gain_current")) + self.fed_back(v)
        through = leak + into + p["inhibition"] + current_of(x["log_adaptation"])
        rate = lambda density: self.everywhere(technology.rate_noise(density, self.capacitance))
        return {
            "shot": Noise(rate(technology.shot_noise(through)), ("log_current",)),
            "flicker": Noise(rate(technology.flicker_noise(leak)), ("log_current",), "flicker", 1.0),
        }
