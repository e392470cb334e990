"""`OptoelectronicNeuron`: light in, a quadratic membrane, pulses of light out."""

from typing import Self

import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import above
from devsim.devices.lanes import Lanes
from devsim.devices.photonic.light import power
from devsim.devices.preset import look_up, sources
from devsim.devices.spiking.countdown import over, restarted, waiting
from devsim.devices.spiking.optoelectronic_presets import PRESETS
from devsim.parameter import deviation, parameter
from devsim.physics import BOLTZMANN, ELEMENTARY_CHARGE, ROOM_TEMPERATURE
from devsim.ports import Balance, Noise, Unknown, optical, spikes_out
from devsim.smooth import root
from devsim.surrogate import spike


class OptoelectronicNeuron(Lanes):
    """Spiking neurons with balanced photodiodes in and a laser out; a pin or a bus.

    Equations: I = R ((1 + e/2) |excitatory|^2 - (1 - e/2) |inhibitory|^2) + bias, e the imbalance;
    C dv/dt = k (v - v_r)(v - v_t) - u + I; du/dt = a (b (v - v_r) - u);
    where v > v_peak an event, v := c, u := u + d; v stays at c for the refractory time, the laser is on for the pulse width
    with pulse_energy / pulse_width. v_t = threshold + threshold_drift (T - 300 K), the pulse's energy falls as
    exp(-laser_drift (T - 300 K)). Noise (one-sided): 2 q (both photocurrents + 2 I_dark) and 4 k T G into the membrane.
    With u = 0 the interval at j = I - k (v_t - v_r)^2 / 4 > 0 is, w being v - (v_r + v_t) / 2 and z = (k / j)^0.5,
    refractory + C (k j)^-0.5 (atan(z w_peak) - atan(z w_c)).
    Source: Izhikevich, IEEE Trans. Neural Netw. 14, 1569 (2003), and Dynamical Systems in Neuroscience (MIT Press, 2007),
    chapter 8; in optics and CMOS: Lee et al., Opt. Express 30, 19360 (2022); El Srouji et al., arXiv:2208.13144 (2022).
    Valid: steps well below C / (2 k (v_peak - v_r)), the time scale at the peak; intervals longer than the pulse, else pulses
    merge; a laser far above its threshold, diodes under reverse bias.

    Events are on the grid of the time steps, but the time by which the peak was passed before the end of a step is not lost:
    the refractory time begins there, so that mean rates do not depend on the step to first order. The derivative of an event
    with respect to v is that of a fast sigmoid of `surrogate_width`.
    """

    capacitance: Array = parameter(1.72e-12, unit="F", bounds=above(0), doc="membrane capacitance C")
    capacitance_spread: Array = deviation("capacitance", "1", "lognormal", each="neuron")
    gain: Array = parameter(1.5278e-3, unit="A/V^2", bounds=above(0), doc="curvature k of the membrane's current")
    resting_potential: Array = parameter(0.3, unit="V", doc="v_r, and the potential at power-up")
    threshold: Array = parameter(0.5, unit="V", doc="v_t, above which the membrane runs away without input, at 300 K")
    threshold_spread: Array = deviation("threshold", "V", each="neuron")
    threshold_drift: Array = parameter(
        0.0, unit="V/K", stage="read", ideal=0.0, doc="change of the threshold for each kelvin away from 300 K"
    )
    peak_potential: Array = parameter(0.8, unit="V", doc="v_peak, at which the spike is cut off")
    reset_potential: Array = parameter(0.0, unit="V", doc="c, potential after an event")
    refractory_time: Array = parameter(8.3e-9, unit="s", bounds=(0, None), doc="time at the reset potential after an event")
    recovery_rate: Array = parameter(0.0, unit="1/s", bounds=(0, None), doc="a, rate at which the recovery current relaxes")
    recovery_conductance: Array = parameter(0.0, unit="S", doc="b, recovery current per potential")
    recovery_step: Array = parameter(0.0, unit="A", doc="d, what an event adds to the recovery current")
    bias_current: Array = parameter(0.0, unit="A", doc="current into the membrane without light")
    responsivity: Array = parameter(0.9, unit="A/W", bounds=(0, None), doc="photocurrent per power of the light")
    responsivity_spread: Array = deviation("responsivity", "1", "lognormal", each="neuron")
    imbalance: Array = parameter(
        0.0, unit="1", bounds=(-2, 2), stage="fabricate", ideal=0.0, doc="difference of the responsivities over their mean"
    )
    imbalance_spread: Array = deviation("imbalance", "1", each="neuron")
    dark_current: Array = parameter(
        0.0, unit="A", bounds=(0, None), stage="read", ideal=0.0, doc="of each diode; both cancel but for their noise"
    )
    noise_conductance: Array = parameter(
        0.0, unit="S", bounds=(0, None), stage="read", ideal=0.0, doc="G whose thermal noise the membrane's transistors make"
    )
    temperature: Array = parameter(ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="temperature of the chip")
    pulse_energy: Array = parameter(1.18e-12, unit="J", bounds=(0, None), doc="energy of one emitted pulse at 300 K")
    pulse_energy_spread: Array = deviation("pulse_energy", "1", "lognormal", each="neuron")
    pulse_width: Array = parameter(4e-9, unit="s", bounds=above(0), doc="duration of a pulse, on the grid of the time steps")
    laser_drift: Array = parameter(
        0.0, unit="1/K", stage="read", ideal=0.0, doc="by how much ln(pulse energy) falls for each kelvin above 300 K"
    )
    wall_plug_efficiency: Array = parameter(
        0.2, unit="1", bounds=above(0, 1), doc="light that the laser emits over the electrical energy that it takes"
    )
    supply_voltage: Array = parameter(1.0, unit="V", bounds=(0, None), doc="supply of the membrane and of the photodiodes")
    quiescent_current: Array = parameter(
        10e-6, unit="A", bounds=(0, None), doc="what each neuron takes from the supply without light"
    )
    surrogate_width: Array = parameter(
        0.1, unit="V", bounds=above(0), doc="width of the surrogate derivative; no effect on the events"
    )

    @classmethod
    def of(cls, count: int, **fields) -> Self:
        """A bus of `count` neurons."""
        check.whole("count", count, 1)
        return cls(**({"imbalance": jnp.zeros(count)} | fields))

    @classmethod
    def preset(cls, name: str, count: int, **fields) -> Self:
        """A bus of `count` neurons that behave as one of `presets` says; `fields` replace some of their numbers.

        Raises InputError for an unknown name.
        """
        return cls.of(count, **(look_up(PRESETS, name) | fields))

    @classmethod
    def presets(cls) -> dict[str, str]:
        """Preset name -> where its numbers come from."""
        return sources(PRESETS)

    def go_together(self):
        """Raise where a reset or the rest is not below the peak."""
        for name in ("reset_potential", "resting_potential"):
            check.at_most(name, getattr(self, name), "peak_potential", self.peak_potential, "V", strict=True)

    def ports(self):
        """The waves `excitatory`, `inhibitory` and `out`, and the events `spikes`."""
        waves = {name: optical(self.shape()) for name in ("excitatory", "inhibitory", "out")}
        return waves | {"spikes": spikes_out(self.shape())}

    def rest(self):
        """Membrane (V), recovery current (A), countdowns of refractory time and pulse (s), whether the membrane is held."""
        quiet = self.silent()
        return {
            "membrane": Unknown(quiet.value + self.resting_potential),
            "recovery": self.silent(scale=1e-6),
            "countdown": over(self.shape(), 1e-9),
            "pulse": over(self.shape(), 1e-9),
            "held": quiet,
        }

    def photocurrents(self, p: dict[str, Array]) -> tuple[Array, Array]:
        """What the excitatory and the inhibitory diode make of their light, A."""
        first = self.responsivity * (1 + self.imbalance / 2) * power(p["excitatory"])
        return first, self.responsivity * (1 - self.imbalance / 2) * power(p["inhibitory"])

    def charging(self, p: dict[str, Array], membrane: Array, recovery: Array) -> Array:
        """Current into the membrane's capacitance, A."""
        excited, inhibited = self.photocurrents(p)
        own = self.gain * (membrane - self.resting_potential) * (membrane - self.warm_threshold())
        return own - recovery + excited - inhibited + self.bias_current

    def warm_threshold(self) -> Array:
        """v_t at the neuron's temperature, V."""
        return self.threshold + self.threshold_drift * (self.temperature - ROOM_TEMPERATURE)

    def event(self, x: dict[str, Array]) -> Array:
        """1.0 where the membrane is above its peak and free, else 0.0."""
        return spike(x["membrane"] - self.peak_potential, self.surrogate_width) * jnp.where(x["held"] > 0.5, 0.0, 1.0)

    def warm_energy(self) -> Array:
        """Energy of a pulse at the neuron's temperature, J."""
        return self.pulse_energy * jnp.exp(-self.laser_drift * (self.temperature - ROOM_TEMPERATURE))

    def emitted(self, x: dict[str, Array]) -> Array:
        """The wave that leaves, W^0.5: on from the event on for the pulse width."""
        on = jnp.where(waiting(x["pulse"], self.pulse_width), 1.0, self.event(x))
        return root(self.warm_energy() / self.pulse_width) * on

    def balance(self, t, p, x):
        """Light in, charge and recovery, light out."""
        membrane, recovery = x["membrane"], x["recovery"]
        free = jnp.where(x["held"] > 0.5, 0.0, 1.0)
        tends_to = self.recovery_conductance * (membrane - self.resting_potential)
        static = {
            "excitatory": jnp.zeros_like(p["excitatory"]),
            "inhibitory": jnp.zeros_like(p["inhibitory"]),
            "out": jnp.zeros_like(p["out"]) + self.emitted(x),
            "spikes": self.event(x),
            "membrane": -free * self.charging(p, membrane, recovery),
            "recovery": self.recovery_rate * (recovery - tends_to),
            "countdown": jnp.ones_like(membrane),
            "pulse": jnp.ones_like(membrane),
            "held": jnp.zeros_like(membrane),
        }
        return Balance(static, dict(x) | {"membrane": self.capacitance * membrane})

    def jump(self, t, p, x):
        """Reset where there was an event; off again where the refractory time has passed, by what it has passed already."""
        event, late = self.event(x), self._late(p, x)
        relaxed = self.recovery_conductance * (self.reset_potential - x["membrane"]) - self.recovery_step
        recovery = x["recovery"] + event * (self.recovery_step + late * self.recovery_rate * relaxed)
        countdown = jnp.where(event > 0.5, self.refractory_time - late, x["countdown"])
        held = jnp.maximum(x["held"], jnp.where(event > 0.5, 1.0, 0.0))
        released = (held > 0.5) & (countdown <= 0)
        rate = self.charging(p, self.reset_potential, recovery) / self.capacitance
        started = self.reset_potential + jnp.where(released, -countdown, 0.0) * rate
        kept = jnp.where(x["held"] > 0.5, started, x["membrane"])
        return {
            "membrane": kept + event * (started - kept),
            "recovery": recovery,
            "countdown": countdown,
            "pulse": restarted(x["pulse"], event, self.pulse_width),
            "held": jnp.where(released, 0.0, held),
        }

    def _late(self, p: dict[str, Array], x: dict[str, Array]) -> Array:
        """Time (s) since a membrane that is above its peak passed it: exact where its current is constant or (v - v_0)^2."""
        above = jnp.maximum(x["membrane"] - self.peak_potential, 0.0)
        here, there = (self.charging(p, v, x["recovery"]) for v in (x["membrane"], self.peak_potential))
        known = (here > 0) & (there > 0)
        mean = jnp.sqrt(jnp.where(known, here, 1.0)) * jnp.sqrt(jnp.where(known, there, 1.0))
        return jnp.where(known, self.capacitance * above / mean, 0.0)

    def noise(self, p, x):
        """Shot noise of both diodes, whose currents subtract, and thermal noise."""
        shot = 2 * ELEMENTARY_CHARGE * (sum(self.photocurrents(p)) + 2 * self.dark_current)
        thermal = 4 * BOLTZMANN * self.temperature * self.noise_conductance
        return {
            "shot": Noise(self.everywhere(shot), ("membrane",)),
            "thermal": Noise(self.everywhere(thermal), ("membrane",)),
        }

    def rheobase(self) -> Array:
        """The least photocurrent (A) that fires without end where the recovery current follows: (k (v_t - v_r) + b)^2 / 4 k.

        A saddle-node; where b is large and the recovery slow, the neuron fires a little below it.
        """
        slope = self.gain * (self.warm_threshold() - self.resting_potential) + self.recovery_conductance
        return slope**2 / (4 * self.gain) - self.bias_current

    def steady_rate(self, photocurrent: Array) -> Array:
        """Events per second at a constant `photocurrent` (A) by the closed form for u = 0; 0 below the rheobase."""
        middle = (self.resting_potential + self.warm_threshold()) / 2
        spare = photocurrent + self.bias_current - self.gain * (self.warm_threshold() - self.resting_potential) ** 2 / 4
        fires = spare > 0
        spare = jnp.where(fires, spare, 1.0)
        stretch = jnp.sqrt(self.gain / spare)
        turned = jnp.arctan(stretch * (self.peak_potential - middle)) - jnp.arctan(stretch * (self.reset_potential - middle))
        interval = self.refractory_time + self.capacitance / jnp.sqrt(self.gain * spare) * turned
        return jnp.where(fires, 1 / interval, 0.0)

    def energy_per_spike(self, excitatory: Array, inhibitory: Array, rate: Array) -> dict[str, Array]:
        """What an event costs (J), by name, under steady light of these powers (W) and at this `rate` (1/s).

        `laser`: the pulse over the wall-plug efficiency; `photodiodes` and `bias`: charge from the supply; `light`: what both
        diodes absorb, which is no electrical energy of this neuron.
        """
        p = {"excitatory": root(excitatory), "inhibitory": root(inhibitory)}
        drawn = self.quiescent_current + jnp.abs(self.bias_current)
        return {
            "laser": jnp.broadcast_to(self.warm_energy() / self.wall_plug_efficiency, jnp.shape(rate)),
            "photodiodes": self.supply_voltage * sum(self.photocurrents(p)) / rate,
            "bias": self.supply_voltage * drawn / rate,
            "light": (excitatory + inhibitory) / rate,
        }
