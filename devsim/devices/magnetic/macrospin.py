"""`Macrospin`: the free layer of a spin-torque oscillator as one magnetisation vector."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.check import InputError, above
from devsim.devices.lanes import Lanes
from devsim.parameter import deviation, parameter
from devsim.part import Element
from devsim.physics import (
    BOLTZMANN,
    ELEMENTARY_CHARGE,
    GYROMAGNETIC_RATIO,
    REDUCED_PLANCK,
    ROOM_TEMPERATURE,
    VACUUM_PERMEABILITY,
)
from devsim.ports import Balance, Noise, Stated, Unknown, electrical

TORQUE_QUANTUM = REDUCED_PLANCK / (2 * ELEMENTARY_CHARGE)
"""Angular momentum that a fully polarised current brings per charge, hbar / 2 e in V s."""
ROUNDING = 1e-5
"""By how much the length of a direction may differ from one."""


def direction(default: tuple[float, float, float], doc: str) -> Any:
    """A unit vector, shape (3,), or (n, 3) with one for every lane of a bus."""
    return parameter(default, unit="1", bounds=(-1, 1), doc=f"{doc}: x, y, z of a unit vector, (3,) or (n, 3)")


class Macrospin(Lanes):
    """Free layer of a spin valve or tunnel junction as one magnetisation direction m; two pins, or two buses of lanes.

    Equations: dm/dt = (T + alpha m x T) / (1 + alpha^2), T = -gamma m x B + gamma a m x (m x p) + thermal field;
    a = hbar eta I / (2 e Ms A d) in tesla, I the current from `top` to `bottom`: a positive one drives m away from the
      polariser p, which keeps up a precession about a field along p;
    B = field + B_k (m.u) u - mu0 Ms (N_x m_x, N_y m_y, N_z m_z), u the easy axis, B_k = 2 K / Ms;
    I = G v, G = ((1 + m.p) + (1 - m.p) / (1 + TMR)) / (2 R), R the resistance where m is along p; noise 4 k T G.
    Thermal field: white, <B_i(t) B_j(t')> = 2 alpha k T / (gamma Ms A d) delta_ij delta(t - t'). Of b, only
      m x b + alpha m x (m x b) acts, which is isotropic across m: the direction diffuses on the sphere with 2 D_s t in each
      tangential component, D_s = alpha gamma k T / (Ms A d (1 + alpha^2)). It is drawn as a white rate of one-sided density
      4 D_s in all three components of `vector`, whose part along m does not turn it. m is the vector over its length, which
      is put back to one after each step.
    Source: spin torque: Slonczewski, J. Magn. Magn. Mater. 159, L1 (1996); conductance: Slonczewski, Phys. Rev. B 39, 6995
    (1989); thermal field: Brown, Phys. Rev. 130, 1677 (1963).
    Valid: uniform magnetisation, with constants well below the Curie temperature; a torque in proportion to the current,
    whatever the angle; no field-like torque, Oersted field or shot noise of the torque. Use `transient(..., method="rk4")`:
    in a step of h a precession loses (omega h)^6 / 144 of its amplitude, at 40 steps per period 1e-7, beside the damping's
    alpha omega h, 0.16 alpha. Heun's method makes it grow by (omega h)^4 / 8, as a negative damping would; split steps, the
    default, err more still. With noise, also 2 D_s h << 1.

    Raises InputError for a direction that has not length one, or vectors that do not fit the bus.
    """

    between = frozenset({"polariser", "easy_axis", "initial", "demagnetisation"})
    resistance: Array = parameter(
        1e3, unit="ohm", bounds=above(0), doc="resistance with m along the polariser, a number or shape (n,) for a bus"
    )
    magnetoresistance: Array = parameter(
        1.0, unit="1", bounds=(0, None), doc="relative rise of the resistance with m against the polariser, TMR"
    )
    saturation_magnetisation: Array = parameter(8e5, unit="A/m", bounds=above(0), doc="saturation magnetisation Ms")
    area: Array = parameter(7.85e-15, unit="m^2", bounds=above(0), doc="area A of the layer; that of a disc of 100 nm")
    area_spread: Array = deviation("area", "1", "lognormal")
    thickness: Array = parameter(3e-9, unit="m", bounds=above(0), doc="thickness d of the layer")
    damping: Array = parameter(0.01, unit="1", bounds=(0, None), doc="Gilbert damping alpha")
    damping_spread: Array = deviation("damping", "1", "lognormal")
    polarisation: Array = parameter(0.6, unit="1", bounds=(0, None), doc="spin polarisation eta of the current")
    gyromagnetic_ratio: Array = parameter(
        GYROMAGNETIC_RATIO, unit="rad/(s T)", bounds=above(0), doc="gyromagnetic ratio gamma; the electron's"
    )
    field_x: Array = parameter(0.0, unit="T", doc="applied field along x")
    field_y: Array = parameter(0.0, unit="T", doc="applied field along y")
    field_z: Array = parameter(0.0, unit="T", doc="applied field along z, across the layer")
    anisotropy_field: Array = parameter(0.0, unit="T", doc="uniaxial anisotropy field B_k = 2 K / Ms; easy plane below zero")
    anisotropy_field_spread: Array = deviation("anisotropy_field", "T")
    temperature: Array = parameter(
        ROOM_TEMPERATURE, unit="K", bounds=(0, None), stage="read", ideal=0.0, doc="temperature of the layer; none, no noise"
    )
    polariser: Array = direction((0.0, 0.0, 1.0), "direction p of the reference layer")
    easy_axis: Array = direction((0.0, 0.0, 1.0), "axis u of the anisotropy")
    initial: Array = direction((1.0, 0.0, 0.0), "m at power-up")
    demagnetisation: Array = parameter(
        (0.0, 0.0, 1.0), unit="1", bounds=(0, 1), doc="demagnetising factors N along x, y, z; a thin film's"
    )

    def check_shapes(self):
        """Raise where scalars do not make one bus, or vectors do not fit it."""
        Element.check_shapes(self)
        for name in sorted(self.between):
            shape = np.shape(getattr(self, name))
            check.shape(name, getattr(self, name), (3,), "x, y and z")
            if not check.fits(shape, (*self.shape(), 3)):
                raise InputError(f"`{name}` must be of shape (3,) or {(*self.shape(), 3)}, but has shape {shape}.")

    def go_together(self):
        """Raise where a known direction has not length one."""
        for name in ("polariser", "easy_axis", "initial"):
            value = getattr(self, name)
            if check.is_concrete(value):
                lengths = np.linalg.norm(np.asarray(value), axis=-1).ravel()
                if (bad := np.abs(lengths - 1) > ROUNDING).any():
                    raise InputError(f"`{name}` must be a vector of length 1, but has length {lengths[bad][0]:.6g}.")

    def ports(self):
        """`top` and `bottom`."""
        return {"top": electrical(self.shape()), "bottom": electrical(self.shape())}

    def rest(self):
        """The direction `m`, (3,) or (n, 3), and the `vector` that the steps move: m but for its length."""
        start = jnp.broadcast_to(self.initial, (*self.shape(), 3))
        return {"vector": Unknown(start), "m": Unknown(start)}

    def conductance(self, m: Array) -> Array:
        """Conductance in S for unit vectors `m` (..., 3)."""
        along = jnp.sum(m * self.polariser, axis=-1)
        return ((1 + along) + (1 - along) / (1 + self.magnetoresistance)) / (2 * self.resistance)

    def field(self, m: Array) -> Array:
        """Effective field B in T at unit vectors `m` (..., 3)."""
        applied = jnp.stack([self.everywhere(b) for b in (self.field_x, self.field_y, self.field_z)], axis=-1)
        along = jnp.sum(m * self.easy_axis, axis=-1, keepdims=True)
        shape = VACUUM_PERMEABILITY * self.saturation_magnetisation[..., None] * self.demagnetisation * m
        return applied + self.anisotropy_field[..., None] * along * self.easy_axis - shape

    def torque_field(self, current: Array) -> Array:
        """The spin torque a in T of a `current` in A from `top` to `bottom`."""
        sheet = self.saturation_magnetisation * self.thickness
        return TORQUE_QUANTUM * self.polarisation * (current / self.area) / sheet

    def diffusion(self) -> Array:
        """Rate D_s of the thermal diffusion of m on the unit sphere, 1/s."""
        sheet = self.saturation_magnetisation * self.thickness
        alpha, rate = self.damping, self.gyromagnetic_ratio * (BOLTZMANN * self.temperature)
        return alpha / (1 + alpha**2) * (rate / sheet / self.area)

    def velocity(self, m: Array, current: Array) -> Array:
        """dm/dt in 1/s at unit vectors `m` (..., 3) for a `current` in A; without noise."""
        field, alpha = self.field(m), self.damping[..., None]
        push = self.torque_field(current)[..., None] * self.polariser
        turning = (field + alpha * push) - jnp.cross(m, push - alpha * field)
        return -self.gyromagnetic_ratio[..., None] / (1 + alpha**2) * jnp.cross(m, turning)

    def balance(self, t, p, x):
        """The current, and the turning of m, which leaves the length of the vector as it is."""
        m = _unit(x["vector"])
        current = self.conductance(m) * (p["top"] - p["bottom"])
        static = {"top": current, "bottom": -current, "vector": -self.velocity(m, current)}
        return Balance(static, {"vector": x["vector"]}, {"m": Stated(m)})

    def jump(self, t, p, x):
        """Length one again."""
        return {"vector": _unit(x["vector"])}

    def noise(self, p, x):
        """Johnson noise between the pins, and the thermal field."""
        johnson = 4 * BOLTZMANN * self.temperature * self.conductance(_unit(x["vector"]))
        density = jnp.broadcast_to(self.everywhere(4 * self.diffusion())[..., None], x["vector"].shape)
        return {"thermal": Noise(self.everywhere(johnson), ("top", "bottom")), "field": Noise(density, ("vector",))}


def _unit(m: Array) -> Array:
    """`m` (..., 3) over its length."""
    return m / jnp.linalg.norm(m, axis=-1, keepdims=True)
