"""An optical part that is known by a table: its scattering matrix over frequency, measured or computed elsewhere."""

from collections.abc import Sequence
from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.check import InputError, above
from devsim.devices.photonic.light import SPEED_OF_LIGHT
from devsim.parameter import as_leaf, parameter, state
from devsim.part import Element
from devsim.ports import Balance, ageless, no_memory, optical, quiet

DEFAULT_WAVELENGTH = 1.55e-6
INTERPOLATIONS = ("linear", "magnitude-phase")
PASSIVE = ("check", "enforce", "ignore")
LIGHT = (1e12, 1e17)
"""Hz, 0.3 mm to 3 nm: frequencies outside of it are no frequencies of light, but a slip of the unit."""
PASSIVITY_TOLERANCE = 1e-5
"""By how much a singular value may pass one: what the six digits of most files can add."""


class TabulatedScatterer(Element):
    """Optical part with the named `ports`, known by its scattering parameters at some frequencies.

    entries: the (from, to) pairs of ports between which something passes; all others are zero at every frequency, and
    no wave that leaves depends on one that arrives there. real, imaginary: one column per entry, over `frequencies`.
    amplifies: whether the table may have a gain above one; else one that passes 1 by more than 1e-5 is refused.
    Use `TabulatedScatterer.of` to make one from matrices.

    Equations: leaving_i = sum over j of S_ij(f) arriving_j, f = c / wavelength;
    S_ij(f) = T_ij(f) exp(2 pi i tau_ij (f - f_c)), T the table, interpolated between its two neighbouring frequencies,
    tau the delay taken out of it, f_c the middle of its frequencies. `linear` changes real and imaginary part in
    proportion; `magnitude-phase` changes the magnitude in proportion and turns the phase along the shorter arc.
    Source: Pozar, Microwave Engineering, 4th ed. (2012), section 4.3, for scattering parameters and shifted ports.
    Valid: inside the table's frequencies (outside of them InputError, or NaN inside a JAX transformation), for envelopes
    slow enough that S is the same over their spectrum. `of` takes a delay out of each port, which is unitary, so that a
    passive table stays passive in between by `linear`; `magnitude-phase` suits entries whose delays are no sum of two
    ports', asks for less than half a turn between neighbours, and may amplify a little in between.
    """

    names: tuple[str, ...] = eqx.field(static=True)
    entries: tuple[tuple[str, str], ...] = eqx.field(static=True)
    frequencies: Array = state(unit="Hz", bounds=above(0), stage="design", doc="frequencies of the table, rising, shape (k,)")
    real: Array = state(unit="1", stage="design", doc="real part of the table, shape (k, entries)")
    imaginary: Array = state(unit="1", stage="design", doc="imaginary part of the table, shape (k, entries)")
    group_delay: Array = state(0.0, unit="s", stage="design", doc="delay taken out of the table's phase, shape (entries,)")
    wavelength: Array = parameter(DEFAULT_WAVELENGTH, unit="m", bounds=above(0), doc="carrier wavelength in vacuum")
    interpolation: str = eqx.field(static=True, default="linear")
    amplifies: bool = eqx.field(static=True, default=False)
    rest, age, noise = no_memory, ageless, quiet

    def __check_init__(self):
        check.one_of("interpolation", self.interpolation, INTERPOLATIONS)
        for pair in self.entries:
            for name in pair:
                check.one_of("entries", name, self.names)
        count = jnp.shape(self.frequencies)
        if len(count) != 1:
            raise InputError(f"`frequencies` must be one row, but have shape {count}.")
        if check.is_concrete(self.frequencies):
            _check_rising(np.asarray(self.frequencies), "the table")
        if jnp.ndim(self.wavelength):
            raise InputError(f"`wavelength` must be one number, but has shape {jnp.shape(self.wavelength)}; use `jax.vmap`.")
        for name in ("real", "imaginary"):
            if jnp.shape(getattr(self, name)) != (*count, len(self.entries)):
                wanted = (*count, len(self.entries))
                raise InputError(f"`{name}` must have shape {wanted}, but has shape {jnp.shape(getattr(self, name))}.")
        if self.amplifies not in (True, False):
            raise InputError(f"`amplifies` must be true or false, but is {check.described(self.amplifies)}.")
        leaves = (self.frequencies, self.real, self.imaginary, self.group_delay)
        if not self.amplifies and all(map(check.is_concrete, leaves)):
            _check_passive(np.asarray(self.frequencies), self._matrices(), "the table", "set `amplifies` for an amplifier")

    def _matrices(self) -> np.ndarray:
        """The table as matrices, (k, n, n)."""
        columns = np.asarray(self.real) + 1j * np.asarray(self.imaginary)
        found, delay = np.zeros((len(columns), len(self.names), len(self.names)), complex), np.zeros((len(self.names),) * 2)
        delays = np.broadcast_to(np.asarray(self.group_delay), (len(self.entries),))
        for k, (source, to) in enumerate(self.entries):
            at = self.names.index(to), self.names.index(source)
            found[:, *at] += columns[:, k]
            delay[at] = delays[k]
        return found * _turn(np.asarray(self.frequencies), delay)

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        frequencies: Any,
        scattering: Any,
        *,
        wavelength: Any = None,
        interpolation: str = "linear",
        passive: str = "check",
        group_delay: Any = 0.0,
        source: str = "the table",
    ) -> Self:
        """A part from matrices: `scattering[k, i, j]` from port j to port i at `frequencies[k]` (Hz).

        wavelength: the carrier, m; 1.55 um where the table holds it, else the middle of the table. passive: `check`
        raises where a singular value passes one by more than 1e-5, `enforce` brings it down to one, `ignore` leaves it
        (an amplifier). group_delay: (n, n), s. source: what errors call the table, a file.

        Raises InputError for shapes that do not fit, numbers that are not finite, frequencies that are not those of
        light (1e12 to 1e17 Hz), a gain in a passive table.
        """
        check.one_of("passive", passive, PASSIVE)
        names, frequencies, scattering = tuple(names), np.asarray(frequencies, float), np.asarray(scattering, complex)
        _check_table(names, frequencies, scattering, source)
        given = np.broadcast_to(np.asarray(group_delay, float), scattering.shape[1:])
        turned = scattering * _turn(frequencies, given)
        if passive != "ignore":
            turned = _passive(frequencies, turned, source, enforce=passive == "enforce")
        scattering, delay = turned * np.conj(_turn(frequencies, given)), given
        if interpolation == "linear":
            delay = _port_delays(frequencies, scattering, given)
            scattering = turned * np.conj(_turn(frequencies, delay))
        into, out_of = np.nonzero(np.any(scattering != 0, axis=0))
        columns = scattering[:, into, out_of]
        if wavelength is None:
            low, high = SPEED_OF_LIGHT / frequencies[[-1, 0]]
            wavelength = DEFAULT_WAVELENGTH if low <= DEFAULT_WAVELENGTH <= high else SPEED_OF_LIGHT / frequencies.mean()
        entries = tuple((names[j], names[i]) for i, j in zip(into, out_of, strict=True))
        columns = columns.real, columns.imag, delay[into, out_of]
        part = cls(names, entries, frequencies, *columns, wavelength, interpolation, passive == "ignore")
        part.check_covers(part.wavelength)
        return part

    def ports(self):
        """One optical port per name."""
        return {name: optical() for name in self.names}

    def check_covers(self, wavelength: Any) -> None:
        """Raise InputError where a concrete `wavelength` (m) lies outside of the table."""
        wavelength = as_leaf(wavelength)
        if check.is_concrete(wavelength) and check.is_concrete(self.frequencies):
            given, table = np.atleast_1d(np.asarray(wavelength)), np.asarray(self.frequencies)  # by numpy, also while tracing
            bad = ~_covers(table, SPEED_OF_LIGHT / given)
            if bad.any():
                low, high = SPEED_OF_LIGHT / table[[-1, 0]]
                raise InputError(
                    f"`wavelength` must lie in the table, {low:.7g} m to {high:.7g} m, but is {given[bad][0]:.7g} m;"
                    " nothing is extrapolated."
                )

    def transmissions(self) -> Array:
        """S of every entry at the carrier, complex (entries,); NaN outside of the table."""
        table, f = self.frequencies, SPEED_OF_LIGHT / self.wavelength
        low = jnp.clip(jnp.searchsorted(table, f, side="right") - 1, 0, table.size - 2)
        share = (f - table[low]) / (table[low + 1] - table[low])
        first, second = (self.real[k] + 1j * self.imaginary[k] for k in (low, low + 1))
        between = _along_the_line if self.interpolation == "linear" else _along_the_arc
        found = between(first, second, share) * jnp.exp(2j * jnp.pi * self.group_delay * (f - (table[0] + table[-1]) / 2))
        return jnp.where(_covers(table, f), found, jnp.nan)

    def scattering(self) -> Array:
        """The matrix at the carrier, complex (n, n), row = to, column = from, in the order of `names`."""
        place = {name: i for i, name in enumerate(self.names)}
        out_of, into = (np.array([place[pair[k]] for pair in self.entries], int) for k in (0, 1))
        found = self.transmissions()
        return jnp.zeros((len(place), len(place)), found.dtype).at[into, out_of].set(found)

    def balance(self, t, p, x):
        """What leaves is the sum of what passes; a port that nothing leads to answers zero."""
        self.check_covers(self.wavelength)
        found, leaving = self.transmissions(), {}
        for k, (source, to) in enumerate(self.entries):
            wave = found[k] * p[source]
            leaving[to] = leaving[to] + wave if to in leaving else wave
        return Balance({name: leaving.get(name, jnp.zeros_like(p[name])) for name in self.names})


def _covers(table: Any, frequency: Any) -> Any:
    """True where a frequency lies in the table, to the rounding of its wavelength."""
    slack = 8 * jnp.finfo(jnp.result_type(table)).eps
    return (frequency >= table[0] * (1 - slack)) & (frequency <= table[-1] * (1 + slack))


def _along_the_line(first: Array, second: Array, share: Array) -> Array:
    """From `first` to `second`, real and imaginary part in proportion."""
    return (1 - share) * first + share * second


def _along_the_arc(first: Array, second: Array, share: Array) -> Array:
    """From `first` to `second`, magnitude and phase each in proportion; linear where one of them is zero."""
    both = (first != 0) & (second != 0)
    a, b = jnp.where(both, first, 1.0), jnp.where(both, second, 1.0)
    turn = jnp.angle(b * jnp.conj(a))
    magnitude = (1 - share) + share * jnp.abs(b) / jnp.abs(a)
    return jnp.where(both, a * magnitude * jnp.exp(1j * share * turn), _along_the_line(first, second, share))


def _check_table(names: tuple[str, ...], frequencies: np.ndarray, scattering: np.ndarray, source: str) -> None:
    if not names or len(set(names)) != len(names) or not all(isinstance(name, str) and name for name in names):
        raise InputError(
            f"The ports of {source} must have names, each its own, but are {', '.join(map(str, names)) or 'none'}."
        )
    wanted = (frequencies.size, len(names), len(names))
    if frequencies.ndim != 1 or scattering.shape != wanted:
        raise InputError(
            f"The matrices of {source} must have shape {wanted} for {frequencies.size} frequencies and {len(names)} ports,"
            f" but have shape {scattering.shape}."
        )
    check.finite(f"scattering parameters of {source}", scattering)
    _check_rising(frequencies, source)
    for frequency in frequencies[[0, -1]]:
        if not LIGHT[0] <= frequency <= LIGHT[1]:
            raise InputError(
                f"The frequencies of {source} must be those of light, {LIGHT[0]:g} Hz to {LIGHT[1]:g} Hz, but one is"
                f" {frequency:g} Hz; are they wavelengths, or in another unit (GHz, THz)?"
            )


def _check_rising(frequencies: np.ndarray, source: str) -> None:
    if frequencies.size < 2 or not (np.diff(frequencies) > 0).all() or not 0 < frequencies[0] < frequencies[-1] < np.inf:
        raise InputError(
            f"The frequencies of {source} must be two or more finite numbers above 0 Hz that rise; drop repeated rows."
        )


def _turn(frequencies: np.ndarray, delay: np.ndarray) -> np.ndarray:
    """exp(2 pi i delay (f - f_c)), (k, n, n)."""
    return np.exp(2j * np.pi * delay * (frequencies - (frequencies[0] + frequencies[-1]) / 2)[:, None, None])


def _port_delays(frequencies: np.ndarray, scattering: np.ndarray, given: np.ndarray) -> np.ndarray:
    """d_i + d_j (n, n), s, with the delay of each port that fits the entries best, strong ones first.

    Delays of ports are unitary, so that a table without them is as passive as with them, and so is what lies between
    its frequencies. given: the delay that was taken out of the table before.
    """
    steps = scattering[1:] * np.conj(scattering[:-1])
    weight = np.abs(steps).sum(axis=0)
    slopes = np.angle(steps) / (2 * np.pi * np.diff(frequencies)[:, None, None])
    found = given + (np.abs(steps) * slopes).sum(axis=0) / np.where(weight > 0, weight, 1.0)
    normal = np.diag(weight.sum(axis=0) + weight.sum(axis=1)) + weight + weight.T
    wanted = (weight * found).sum(axis=0) + (weight * found).sum(axis=1)
    ports = np.linalg.lstsq(normal, wanted, rcond=1e-9)[0]
    return ports[:, None] + ports[None, :]


def _check_passive(frequencies: np.ndarray, scattering: np.ndarray, source: str, advice: str) -> None:
    """Raise InputError where a singular value passes one by more than a file's digits can add."""
    gains = np.linalg.svd(scattering, compute_uv=False)
    worst = int(np.argmax(gains[:, 0])) if gains.size else 0
    if gains.size and gains[worst, 0] > 1 + PASSIVITY_TOLERANCE:
        raise InputError(
            f"A passive part must not amplify, but {source} has a gain of {gains[worst, 0]:.6g} in amplitude at"
            f" {SPEED_OF_LIGHT / frequencies[worst]:.6g} m; {advice}."
        )


def _passive(frequencies: np.ndarray, scattering: np.ndarray, source: str, *, enforce: bool) -> np.ndarray:
    """The table with singular values of at most one; InputError where one is larger and not to be brought down."""
    if not enforce:
        advice = 'give passive="enforce" to bring it down to one, or passive="ignore" for an amplifier'
        _check_passive(frequencies, scattering, source, advice)
        return scattering
    left, gains, right = np.linalg.svd(scattering)
    limited = np.einsum("kij,kj,kjl->kil", left, np.minimum(gains, 1.0), right)
    rounding = np.all(scattering == 0, axis=0) & np.all(np.abs(limited) < 1e-13, axis=0)
    return np.where(rounding, 0.0, limited)
