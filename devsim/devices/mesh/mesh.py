"""`Mesh`: a programmable unitary matrix of interferometers, with what real chips suffer from."""

import functools
import math
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.check import Bounds, above
from devsim.devices.mesh.heat import felt_by_neighbours
from devsim.devices.mesh.layout import Layout, Rectangular
from devsim.devices.mesh.optics import Optics, optics, transmit, transmit_back, whole
from devsim.devices.mesh.programming import Direct, Programmer, cells_of, completed
from devsim.devices.mesh.realise import TURN
from devsim.devices.mesh.steering import ChainRule, Steering
from devsim.devices.mesh.tunable import Tunable
from devsim.parameter import Derived, deviation, parameter, state
from devsim.physics import BOLTZMANN, ROOM_TEMPERATURE
from devsim.ports import Balance, Noise, Port, Unknown, electrical, optical
from devsim.quantise import quantise
from devsim.randomness import named_key


def _knob(unit: str, doc: str, **told: Any):
    return parameter(told.pop("default", 0.0), unit=unit, doc=doc, ideal=0.0, **told)


BITS = Derived(
    lambda mesh: jnp.log2(TURN / jnp.where(mesh.phase_step > 0, mesh.phase_step, jnp.nan)),
    lambda mesh, bits: {"phase_step": TURN / 2**bits},
    "bit",
    "resolution of the phases: another name for `phase_step`, 2 pi over 2^bits; NaN where the step is zero",
    Bounds(1, 52),
)
EXTINCTION = Derived(
    lambda mesh: -20 * jnp.log10(jnp.where(mesh.splitter_offset != 0, jnp.abs(jnp.sin(2 * mesh.splitter_offset)), jnp.nan)),
    lambda mesh, decibels: {"splitter_offset": jnp.arcsin(10 ** (-decibels / 20)) / 2},
    "dB",
    "extinction of the cross state, -20 log10 |sin 2 offset|: another name for `splitter_offset`; NaN where that is zero",
    above(0, 300),
)


class Mesh(Tunable):
    """A mesh of Mach-Zehnder interferometers between two optical buses, each phase turned by a heater.

    Equations: out = diag(e^{i screen}) (column ... column) in, with the columns of `layout`; an interferometer is
    10^(-loss/20) B(b) diag(e^{i u}, e^{i l}) B(a) diag(e^{i x}, 1), B(e) = exp(i (pi/4 + e) X), its splitters a, b the drawn
    error plus the common offset; the lossier arm has `imbalance` more. The phase of a place is
    efficiency Q(asked + pi heat / power_pi) + sum_j crosstalk exp(-(d_j - pitch) / crosstalk_length) (that of heater j at a
    distance d_j) + offset + drift + sensitivity (T - T_calibration); Q rounds to `phase_step`; also a guide without a heater
    feels its neighbours. From pins, tau d(heat)/dt = v^2 / R - heat; noise 4 k T / R.
    Weights are the transposed matrix, (inputs, outputs): `read` returns inputs @ weights, complex.
    Source: Clements et al., Optica 3, 1460 (2016); errors: Bandyopadhyay, Hamerly, Englund, Optica 8, 1247 (2021); heaters:
    Harris et al., Opt. Express 22, 10487 (2014); crosstalk by distance: Teofilovic et al., arXiv:2404.10589 (2024).
    Valid: one wavelength, no reflection, modulation slower than the transit of light.

    Phases are numbered as `layout.heaters` says. Without `output_phases` the heaters of the outputs stay cold, and what is
    programmed differs from its target by a phase at each output. A `differential` mesh, whose layout must be push-pull, has one
    setting for each interferometer: by how much its upper arm is ahead and its lower one behind of what is common to both.
    A matrix (rows, columns) smaller than the mesh uses its first modes.
    """

    layout: Layout = eqx.field(static=True)
    phases: Array = state(unit="rad", bounds=(0, 2 * TURN), doc="phase that each heater is asked for (heaters,)")
    splitter_error: Array = _knob(
        "rad", "angle of the splitters above pi/4 (2, columns, slots), first and second", stage="fabricate"
    )
    splitter_spread: Array = deviation("splitter_error", "rad", each="place")
    splitter_offset: Array = _knob("rad", "angle above pi/4 that all splitters share", bounds=(-math.pi / 4, math.pi / 4))
    phase_offset: Array = _knob("rad", "phase of each place with a cold heater (heaters,)", stage="fabricate")
    phase_offset_spread: Array = deviation("phase_offset", "rad", each="place")
    heater_efficiency: Array = parameter(
        1.0, unit="1", bounds=above(0), stage="fabricate", ideal=1.0, doc="phase over nominal phase of each heater (heaters,)"
    )
    power_pi_spread: Array = deviation("heater_efficiency", "1", "lognormal", each="place")
    loss_db: Array = _knob("dB", "loss of power in each interferometer (columns, slots)", bounds=(0, None))
    loss_spread: Array = deviation("loss_db", "1", "lognormal", each="place")
    imbalance_db: Array = _knob("dB", "loss of the upper inner arm less that of the lower one (columns, slots)")
    imbalance_spread: Array = deviation("imbalance_db", "dB", each="place")
    phase_step: Array = _knob("rad", "quantum of the phase that a heater is asked for", bounds=(0, None), stage="read")
    phase_noise: Array = _knob("rad", "root-mean-square noise of each heater in a read", bounds=(0, None), stage="read")
    crosstalk: Array = _knob("1", "share of a heater's phase that a guide one mode away feels", bounds=(0, 1), stage="read")
    crosstalk_length: Array = parameter(50e-6, unit="m", bounds=above(0), doc="distance over which crosstalk falls by e")
    mode_pitch: Array = parameter(100e-6, unit="m", bounds=above(0), doc="distance between neighbouring modes")
    column_pitch: Array = parameter(300e-6, unit="m", bounds=above(0), doc="length of one column")
    drift_rate: Array = _knob("rad/s^0.5", "random walk of each phase", bounds=(0, None), stage="age")
    thermal_sensitivity: Array = _knob("rad/K", "phase of each place per ambient temperature (heaters,)", stage="fabricate")
    thermal_sensitivity_spread: Array = deviation("thermal_sensitivity", "rad/K", each="place")
    temperature: Array = parameter(ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="ambient temperature")
    calibration_temperature: Array = parameter(
        ROOM_TEMPERATURE, unit="K", bounds=above(0), doc="ambient temperature at which phases were calibrated"
    )
    power_pi: Array = parameter(24.8e-3, unit="W", bounds=above(0), doc="nominal heat for a phase of pi")
    resistance: Array = parameter(1e3, unit="ohm", bounds=above(0), doc="resistance of a heater")
    thermal_time_constant: Array = parameter(
        1.22e-6, unit="s", bounds=(0, None), stage="read", ideal=0.0, doc="time constant with which heat arrives"
    )
    drift: Array = state(0.0, unit="rad", stage="age", doc="how far each phase has walked (heaters,)")
    noise_draw: Array = state(0.0, unit="1", stage="read", doc="standard normal draw of the present read (heaters,)")
    programmer: Programmer = eqx.field(default_factory=Direct)
    steering: Steering = eqx.field(default_factory=ChainRule)
    size: tuple[int, int] | None = eqx.field(static=True, default=None)
    output_phases: bool = eqx.field(static=True, default=True)
    differential: bool = eqx.field(static=True, default=False)
    derived = {"phase_bits": BITS, "extinction_ratio_db": EXTINCTION}

    def __check_init__(self):
        for name, kind in (("layout", Layout), ("programmer", Programmer), ("steering", Steering)):
            check.instance(name, getattr(self, name), kind)
        for length in self.shape():
            check.whole("size", length, 1)
        if self.differential and not self.layout.push_pull:
            raise check.InputError("`differential` needs a push-pull layout (`Symmetric`), whose arms both have a heater.")
        if max(self.shape()) > self.layout.modes:
            raise check.InputError(f"`size` must fit into the {self.layout.modes} modes of the layout, but is {self.size}.")

    @classmethod
    def of(cls, layout: Layout | int, **knobs: Any) -> Self:
        """A mesh with all phases zero; an integer is a rectangle of so many modes. A number fills an array, knobs by name."""
        layout = Rectangular(layout) if isinstance(layout, int) else layout
        check.instance("layout", layout, Layout)
        heaters, cells = (layout.heaters.count,), layout.shape
        shapes = {
            "phases": heaters,
            "splitter_error": (2, *cells),
            "phase_offset": heaters,
            "heater_efficiency": heaters,
            "loss_db": cells,
            "imbalance_db": cells,
            "thermal_sensitivity": heaters,
            "drift": heaters,
            "noise_draw": heaters,
        }
        fields = {name: float(name == "heater_efficiency") for name in shapes} | knobs
        later = {name: fields.pop(name) for name in cls.derived if name in fields}
        for name, shape in shapes.items():
            if check.broadcast(np.shape(fields[name]), shape) != shape:
                raise check.InputError(
                    f"`{name}` must be a number or have shape {shape}, but has shape {np.shape(fields[name])}."
                )
            fields[name] = jnp.broadcast_to(jnp.asarray(fields[name], float), shape)
        mesh = cls(layout, **fields)
        for name, value in later.items():
            mesh = mesh.set(name, value)
        return mesh

    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the weights: inputs and outputs in use."""
        return (self.layout.modes, self.layout.modes) if self.size is None else self.size

    def ports(self) -> dict[str, Port]:
        """Optical buses `inputs` and `outputs` of all modes, the electrical bus `heaters`, each a resistor to ground."""
        modes = (self.layout.modes,)
        return {"inputs": optical(modes), "outputs": optical(modes), "heaters": electrical((self.layout.heaters.count,))}

    def rest(self):
        """`heat`: what has arrived at the guides from the pins, W."""
        return {"heat": Unknown(jnp.zeros_like(self.phases), 1e-2, True)}

    def splitter_angles(self) -> Array:
        """What every splitter's angle is above pi/4 (2, columns, slots)."""
        return self.splitter_error + self.splitter_offset

    def still_phases(self) -> Array:
        """What is there with all heaters cold: offset, drift and the ambient temperature's (heaters,), rad."""
        ambient = self.thermal_sensitivity * (self.temperature - self.calibration_temperature)
        return self.phase_offset + self.drift + ambient

    def places(self, heat: Array | None = None, *, plain: bool = False) -> Array:
        """The phases of all places (2 columns + 1, modes) in rad; `heat` (heaters,) in W comes from the pins."""
        asked = quantise(self.phases, self.phase_step) + self.phase_noise * self.noise_draw
        driven = asked if heat is None else asked + jnp.pi * heat / self.power_pi
        on_chip = functools.partial(self.layout.heaters.on_chip, plain=plain)
        warm = on_chip(self.heater_efficiency * driven)
        pitch = (self.column_pitch / 2, self.mode_pitch)
        felt = felt_by_neighbours(warm, self.crosstalk, self.crosstalk_length, pitch, plain=plain)
        return warm + felt + on_chip(self.still_phases())

    def optics(self, heat: Array | None = None, *, plain: bool = False) -> Optics:
        """Its interferometers as they are now; `plain` where a circuit pushes tangents through them."""
        unequal = jnp.stack([jnp.maximum(self.imbalance_db, 0), jnp.maximum(-self.imbalance_db, 0)])
        kept = jnp.exp(-math.log(10) / 20 * (self.loss_db + unequal))
        return optics(self.layout, self.places(heat, plain=plain), self.splitter_angles(), kept, plain=plain)

    def matrix(self, *, plain: bool = False) -> Array:
        """The transfer of all modes (outputs, inputs), complex."""
        return whole(self.layout, self.optics(plain=plain), plain=plain)

    def weights(self, *, plain: bool = False):
        """What inputs are multiplied with (rows, columns), complex."""
        rows, columns = self.shape()
        return self.matrix(plain=plain)[:columns, :rows].T

    def settings(self):
        """The phases asked for, those of the outputs last, if they can be set; or half differences where differential."""
        if self.differential:
            upper, lower = self._arms()
            return (upper - lower) / 2
        return self.phases if self.output_phases else self.phases[: -self.layout.modes]

    def tuned(self, settings):
        """The mesh asked for other phases; what is beyond the drivers' two turns is taken modulo one."""
        if self.differential:
            common = sum(self._arms()) / 2
            settings = jnp.concatenate([common + settings, common - settings, self.phases[2 * common.size :]])
        elif not self.output_phases:
            settings = jnp.concatenate([settings, self.phases[-self.layout.modes :]])
        inside = (settings >= 0) & (settings <= 2 * TURN)
        return self.put(phases=jnp.where(inside, settings, jnp.mod(settings, TURN)))

    def _arms(self) -> tuple[Array, Array]:
        """What the upper and the lower arms of a push-pull mesh are asked for."""
        count = self.layout.interferometers
        return self.phases[:count], self.phases[count : 2 * count]

    def answer(self, inputs: Array) -> Array:
        """inputs (..., rows) -> (..., columns), complex, with the noise that is held."""
        rows, columns = self.shape()
        flat = inputs.reshape(-1, rows)
        if len(flat) > 2 * self.layout.modes:
            return inputs @ self.weights()
        out = transmit(self.layout, self.optics(), self._waves(flat))
        return out[:columns].T.reshape(*inputs.shape[:-1], columns)

    def _waves(self, flat: Array) -> Array:
        """(batch, n) as waves on all modes (modes, batch)."""
        waves = jnp.asarray(flat, jnp.result_type(self.phases, jnp.complex64)).T
        return jnp.pad(waves, ((0, self.layout.modes - len(waves)), (0, 0)))

    def answer_reverse(self, inputs: Array) -> Array:
        """inputs (..., columns) into the outputs -> (..., rows) out of the inputs, with the noise that is held."""
        rows, columns = self.shape()
        out = transmit_back(self.layout, self.optics(), self._waves(inputs.reshape(-1, columns)))
        return out[:rows].T.reshape(*inputs.shape[:-1], rows)

    def read(self, inputs, key):
        """inputs (..., rows) -> (..., columns), complex; one draw of phase noise for all."""
        inputs = jnp.asarray(inputs)
        check.shape("inputs", inputs, self.shape()[:1], "the mesh's inputs")
        return self.snapshot(key).answer(inputs)

    def read_reverse(self, inputs, key):
        """inputs (..., columns) into the outputs -> (..., rows) out of the inputs, complex."""
        inputs = jnp.asarray(inputs)
        check.shape("inputs", inputs, self.shape()[1:], "the mesh's outputs")
        return self.snapshot(key).answer_reverse(inputs)

    def program(self, target, key):
        """The mesh set for the weights `target` (rows, columns), of orthonormal rows or columns, by its `programmer`.

        Raises InputError for another shape, a matrix that is not unitary, or one that the layout or its splitters cannot reach.
        """
        check.finite("target", target)
        target = jnp.asarray(target)
        if target.shape != self.shape():
            raise check.InputError(f"`target` must match the mesh's weights {self.shape()}, but has shape {target.shape}.")
        unitary = completed(target.astype(jnp.result_type(self.phases, jnp.complex64)), self.layout.modes)
        phases = self.programmer.phases(self, cells_of(self.layout, unitary))
        return self.put(phases=phases if self.output_phases else phases.at[-self.layout.modes :].set(0.0))

    def snapshot(self, key):
        """The mesh as one read finds it: the noise of every heater drawn and held."""
        draw = jax.random.normal(named_key(key, "phases"), self.noise_draw.shape, self.noise_draw.dtype)
        return self.put(noise_draw=draw)

    def ideal(self):
        """A perfect mesh that is asked for the same phases, without drift."""
        return super().ideal().put(drift=jnp.zeros_like(self.drift), noise_draw=jnp.zeros_like(self.noise_draw))

    def age(self, seconds, temperature, key):
        """Every phase walks on; where it is at `temperature` leaves no mark, since `temperature` (a knob) is felt at reads."""
        step = jax.random.normal(named_key(key, "drift"), self.drift.shape, self.drift.dtype)
        return self.put(drift=self.drift + self.drift_rate * jnp.sqrt(seconds) * step)

    def balance(self, t, p, x) -> Balance:
        """Resistors, a lag, and waves both ways."""
        current, heat = p["heaters"] / self.resistance, x["heat"]
        parts = self.optics(heat, plain=True)
        waves = {
            "outputs": transmit(self.layout, parts, p["inputs"][:, None], plain=True)[:, 0],
            "inputs": transmit_back(self.layout, parts, p["outputs"][:, None])[:, 0],
        }
        static = {"heaters": current, "heat": heat - p["heaters"] * current}
        return Balance(waves | static, {"heat": self.thermal_time_constant * heat})

    def noise(self, p, x):
        """Johnson noise of the heaters."""
        density = jnp.full_like(self.phases, 1.0) * (4 * BOLTZMANN * self.temperature / self.resistance)
        return {"thermal": Noise(density, ("heaters", "heaters"))}

    def drive(self) -> Array:
        """Potentials (heaters,), V, at which heaters without phases of their own would make the phases asked for."""
        return jnp.sqrt(self.phases / jnp.pi * self.power_pi * self.resistance)
