"""What the analyses over frequency share: loops side by side, and a bounded memory however many frequencies there are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim import linearised
from devsim.analyses.noise_spectrum import noise_spectrum
from devsim.analyses.scattering import scattering
from devsim.analyses.small_signal import small_signal
from devsim.circuit import Circuit
from devsim.compile import plan_of
from devsim.devices.electrical import Capacitor, Resistor
from devsim.devices.photonic import RingResonator
from devsim.physics import BOLTZMANN

FREQUENCY = np.geomspace(1e3, 1e8, 31)
S = 2j * np.pi * FREQUENCY
RESISTANCES = np.array([1e3, 3e3, 9e3])
BANK = Circuit(
    {f"{part}{k}": Resistor(ohms) for k, ohms in enumerate(RESISTANCES) for part in ("r", "s")}
    | {f"{part}{k}": Capacitor(1e-10) for k in range(3) for part in ("c", "d")},
    {"in": ("r0.a", "r1.a", "r2.a"), "gnd": tuple(f"{part}{k}.b" for k in range(3) for part in ("c", "d"))}
    | {f"m{k}": (f"r{k}.b", f"c{k}.a", f"s{k}.a") for k in range(3)}
    | {f"o{k}": (f"s{k}.b", f"d{k}.a") for k in range(3)},
    inputs={"drive": "in"},
)
"""Three low passes of two equal sections each, which only their input joins."""


def gain(resistance, s=S):
    """1 / (1 + 3 s R C + (s R C)^2)."""
    x = s * resistance * 1e-10
    return 1 / (1 + 3 * x + x**2)


@pytest.fixture
def few_at_once(monkeypatch):
    """So small a memory that 29 frequencies, a number that no other test has, take batches of which the last is not full."""
    monkeypatch.setattr(linearised, "_ENTRIES", 40)


def sizes(resistance):
    """The gain of the second low pass at each of 29 frequencies, squared."""
    circuit = BANK.set("r1.resistance", resistance).set("s1.resistance", resistance)
    return jnp.abs(small_signal(circuit, {"drive": 0.0}, source="drive", frequency=FREQUENCY[2:])["o1"]) ** 2


def test_loops_side_by_side_are_solved_apart():
    assert [step.blocks for step in plan_of(BANK, "frequency").steps if step.implicit] == [3]
    found = small_signal(BANK, {"drive": 0.2}, source="drive", frequency=FREQUENCY)
    for k, ohms in enumerate(RESISTANCES):
        np.testing.assert_allclose(found[f"o{k}"], gain(ohms), rtol=1e-11)
    heard = noise_spectrum(BANK, {"drive": 0.2}, output=("o1", "o2"), frequency=FREQUENCY)
    for k, ohms in enumerate(RESISTANCES):
        wanted = 4 * BOLTZMANN * 300 * ohms * np.abs(gain(ohms)) ** 2 if k else np.zeros(31)
        np.testing.assert_allclose(heard.by_source[f"r{k}.thermal"], wanted, rtol=1e-11)


def test_batches_of_frequencies_have_the_values_and_derivatives_of_all_at_once(few_at_once):
    """|H|^2 and, with y = w R C, d|H|^2 / dR = -|H|^4 (14 y + 4 y^3) w C; backwards and over dies."""
    at = jnp.asarray([2e3, 3e3])
    found, slopes = jax.jit(jax.vmap(lambda r: (sizes(r), jax.grad(lambda r: sizes(r).sum())(r))))(at)
    wc = S[2:].imag * 1e-10
    y = np.asarray(at)[:, None] * wc
    closed = 1 / (1 + 7 * y**2 + y**4)
    np.testing.assert_allclose(found, closed, rtol=1e-11)
    np.testing.assert_allclose(slopes, np.sum(-(closed**2) * (14 * y + 4 * y**3) * wc, axis=1), rtol=1e-10)


@pytest.mark.slow
def test_batches_of_wavelengths_have_the_values_of_all_at_once(few_at_once):
    """(t - a e^(i phi)) / (1 - t a e^(i phi)) for an all-pass ring."""
    ring = RingResonator(length=1e-4, coupling=0.2, loss_db_per_cm=3.0)
    circuit = Circuit({"ring": ring}, {"a": ("ring.in",), "b": ("ring.out",)}, inputs={"a": "a"}, outputs={"b": "b"})
    wavelength = np.linspace(1.54e-6, 1.56e-6, 29)
    found = scattering(circuit, wavelength=wavelength)["b", "a"]
    round_trip = np.asarray(ring.put(wavelength=jnp.asarray(wavelength)).transmission(1e-4))
    stay = np.sqrt(0.8)
    np.testing.assert_allclose(found, (stay - round_trip) / (1 - stay * round_trip), rtol=1e-11)


@pytest.mark.slow
def test_ten_times_the_frequencies_take_the_same_memory_beyond_their_answers():
    """A ladder of 20 nodes: of 10,000 frequencies a batch holds no more than 1,249, 2^19 / (20 * 21)."""
    parts = {f"r{k}": Resistor() for k in range(20)} | {f"c{k}": Capacitor(1e-12) for k in range(20)}
    nets = {"n0": ("r0.a",), "gnd": tuple(f"c{k}.b" for k in range(20)), "n20": ("r19.b", "c19.a")}
    nets |= {f"n{k}": (f"r{k - 1}.b", f"c{k - 1}.a", f"r{k}.a") for k in range(1, 20)}
    ladder = Circuit(parts, nets, inputs={"drive": "n0"})

    def memory(count):
        asked = jax.jit(lambda f: small_signal(ladder, {"drive": 0.0}, source="drive", frequency=f).segments)
        used = asked.lower(jnp.geomspace(1e3, 1e9, count)).compile().memory_analysis()
        assert used is not None
        return used.temp_size_in_bytes, used.output_size_in_bytes

    (few, _), (many, answers) = memory(1_000), memory(10_000)
    assert many < 1.5 * few + 2 * answers
