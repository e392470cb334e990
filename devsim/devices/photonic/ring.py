"""Ring resonators: all-pass, add-drop, and the all-pass ring with an electrode."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.photonic.electrode import Electrode
from devsim.devices.photonic.light import SPEED_OF_LIGHT, turned, weakened
from devsim.devices.photonic.waveguide import Guide
from devsim.parameter import Derived, deviation, parameter
from devsim.ports import Balance, Stated, optical, quiet
from devsim.smooth import root

RADIUS = Derived(
    lambda ring: ring.length / (2 * jnp.pi),
    lambda ring, radius: {"length": 2 * jnp.pi * radius},
    "m",
    "another name for `length`: that over 2 pi",
    above(0),
)


def _coupling(doc: str):
    return parameter(0.1, unit="1", bounds=(0, 1), doc=doc)


class Ring(Guide):
    """A closed path of waveguide that meets the guide `in`-`out` in a coupler."""

    length: Array = parameter(6.283e-5, unit="m", bounds=above(0), doc="circumference")
    coupling: Array = _coupling("share of the power that crosses between `in`-`out` and the ring")
    coupling_spread: Array = deviation("coupling", "1")
    derived = {"radius": RADIUS}

    def kept(self) -> Array:
        """The factor on the size of a wave in one round trip, couplers included."""
        return weakened(self.loss_db_per_cm * (100 * self.length)) * root(1 - self.coupling)

    def free_spectral_range(self) -> Array:
        """Distance between resonances in Hz: c / (n_g L), exact without dispersion."""
        return 1 / self.delay(self.length)

    def linewidth(self) -> Array:
        """Full width at half maximum of a resonance, in Hz; the whole free spectral range where it is never half as deep.

        (2 / pi) FSR arcsin((1 - a) / (2 a^0.5)) with a the factor of one round trip: the half of 1 / (1 - 2 a cos + a^2).
        """
        kept = jnp.maximum(self.kept(), 1e-9)
        half = jnp.minimum((1 - kept) / (2 * jnp.sqrt(kept)), 1.0)
        return self.free_spectral_range() * 2 / jnp.pi * jnp.arcsin(half)


def _one_way(ring: Ring, round_trip: Array, arriving: Array, circulating: Array) -> tuple[Array, Stated]:
    """The wave that leaves, and the one that will have gone round: past the coupler, then once through the ring."""
    stay, cross = root(1 - ring.coupling), 1j * root(ring.coupling)
    entering = cross * arriving + stay * circulating
    return stay * arriving + cross * circulating, Stated(round_trip * entering, ring.delay(ring.length))


def _all_pass(ring: Ring, round_trip: Array, p: dict, x: dict) -> Balance:
    forward, clockwise = _one_way(ring, round_trip, p["in"], x["clockwise"])
    backward, counterclockwise = _one_way(ring, round_trip, p["out"], x["counterclockwise"])
    return Balance({"out": forward, "in": backward}, stated={"clockwise": clockwise, "counterclockwise": counterclockwise})


class RingResonator(Ring):
    """All-pass ring on one waveguide; light from `in` runs clockwise, from `out` counterclockwise.

    Equations: w(t + T) = a e^{i phi} (t_c w + i k in), out = t_c in + i k w, so that at rest
    out / in = (t_c - a e^{i phi}) / (1 - t_c a e^{i phi}); phi = 2 pi n L / wavelength, T = n_g L / c, t_c^2 = 1 - k^2.
    Source: Yariv, Electron. Lett. 36, 321 (2000); Bogaerts et al., Laser Photonics Rev. 6, 47 (2012).
    Valid: lossless coupler, no backscatter, no self-heating and no two-photon absorption. In time a round trip of no whole
    number of steps interpolates linearly, which takes energy from pulses as short as a step.
    """

    noise = quiet

    def ports(self):
        """The ends `in` and `out` of the guide."""
        return {"in": optical(self.shape()), "out": optical(self.shape())}

    def rest(self):
        """The waves that arrive at the coupler after their round."""
        return {"clockwise": self.quiet_wave(), "counterclockwise": self.quiet_wave()}

    def balance(self, t, p, x):
        """One round trip."""
        return _all_pass(self, self.transmission(self.length), p, x)


class AddDropRing(Ring):
    """Ring between two waveguides: at resonance, light from `in` leaves at `drop`, and light from `add` at `out`.

    Equations: as `RingResonator`, in two halves of T/2 and (a e^{i phi})^{1/2} each; the second coupler, half way round,
    passes u to t_d u + i k_d add and sends drop = t_d add + i k_d u. At rest with A = a e^{i phi},
    out / in = (t_c - t_d A) / (1 - t_c t_d A), drop / in = -k k_d A^{1/2} / (1 - t_c t_d A).
    Source: Bogaerts et al., Laser Photonics Rev. 6, 47 (2012).
    Valid: lossless couplers, no backscatter, no self-heating and no two-photon absorption. Backwards, `in` and `out` change
    places, and so do `add` and `drop`. In time as `RingResonator`.
    """

    drop_coupling: Array = _coupling("share of the power that crosses between the ring and `add`-`drop`")
    drop_coupling_spread: Array = deviation("drop_coupling", "1")
    noise = quiet

    def ports(self):
        """`in` and `out` on one guide, `add` and `drop` on the other."""
        return {name: optical(self.shape()) for name in ("in", "out", "add", "drop")}

    def kept(self) -> Array:
        """The factor on the size of a wave in one round trip, couplers included."""
        return Ring.kept(self) * root(1 - self.drop_coupling)

    def rest(self):
        """The waves that arrive at each coupler, in both directions."""
        arrivals = ("clockwise", "clockwise_drop", "counterclockwise", "counterclockwise_drop")
        return {name: self.quiet_wave() for name in arrivals}

    def balance(self, t, p, x):
        """Two halves of a round trip, in both directions."""
        forward, toward_drop, drop, home = self._circle(p["in"], p["add"], x["clockwise"], x["clockwise_drop"])
        backward, toward_add, add, back = self._circle(p["out"], p["drop"], x["counterclockwise"], x["counterclockwise_drop"])
        return Balance(
            {"out": forward, "drop": drop, "in": backward, "add": add},
            stated={
                "clockwise": home,
                "clockwise_drop": toward_drop,
                "counterclockwise": back,
                "counterclockwise_drop": toward_add,
            },
        )

    def _circle(self, near: Array, far: Array, at_near: Array, at_far: Array) -> tuple[Array, Stated, Array, Stated]:
        half, delay = self.transmission(self.length / 2), self.delay(self.length / 2)
        stay, cross = root(1 - self.coupling), 1j * root(self.coupling)
        far_stay, far_cross = root(1 - self.drop_coupling), 1j * root(self.drop_coupling)
        outward = Stated(half * (cross * near + stay * at_near), delay)
        homeward = Stated(half * (far_cross * far + far_stay * at_far), delay)
        return stay * near + cross * at_near, outward, far_stay * far + far_cross * at_far, homeward


class RingModulator(Ring, Electrode):
    """All-pass ring whose resonance a voltage moves.

    Equations: as `RingResonator`, with phi + 2 pi n_g L s v / wavelength^2, so that a voltage v moves every resonance by
    s v in wavelength to first order; v the junction's potential, which follows the pins' voltage through R C;
    i = G_leak (v_plus - v_minus) + C dv/dt; noise 4 k T G_leak and 4 k T R.
    Source: Bogaerts et al., Laser Photonics Rev. 6, 47 (2012), section 2; Xu et al., Nature 435, 325 (2005).
    Valid: as `RingResonator`; an index linear in voltage, without the loss that carriers bring.
    """

    shift_per_volt: Array = parameter(2e-11, unit="m/V", doc="shift of the resonant wavelength per volt")

    def ports(self):
        """Waves `in` and `out`, electrical `plus` and `minus`."""
        return {"in": optical(self.shape()), "out": optical(self.shape())} | self.pins()

    def rest(self):
        """The waves after their round, and the junction's potential."""
        return {"clockwise": self.quiet_wave(), "counterclockwise": self.quiet_wave()} | Electrode.rest(self)

    def balance(self, t, p, x):
        """One round trip of the length that the voltage makes."""
        phase = 2 * jnp.pi * self.delay(self.length) * SPEED_OF_LIGHT * self.shift_per_volt * x["junction"]
        round_trip = self.transmission(self.length) * turned(phase / self.wavelength**2)
        optics, load = _all_pass(self, round_trip, p, x), self.load(p, x)
        return Balance(optics.static | load.static, load.stored, optics.stated)
