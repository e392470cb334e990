"""Optical circuits through `scattering`: rings, meshes, reflections, power, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from devsim.analyses.operating_point import operating_point
from devsim.analyses.scattering import scattering
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.photonic import (
    AddDropRing,
    Attenuator,
    DirectionalCoupler,
    Laser,
    MachZehnder,
    Mirror,
    PhaseShifter,
    RingResonator,
    Waveguide,
)

LIGHT = 299792458.0
ROUNDING = 1e-14


# --- Rings ------------------------------------------------------------------------------------------

RING = RingResonator(coupling=0.02, loss_db_per_cm=4.0)


@pytest.fixture(scope="module")
def ring_of_parts():
    """A ring made of a coupler and two guides: a loop of waves that one linear solve closes."""
    half = Waveguide(length=float(RING.length) / 2, loss_db_per_cm=4.0)
    parts = {"coupler": DirectionalCoupler(0.02), "there": half, "back": half}
    nets = {
        "in": ("coupler.in0",),
        "out": ("coupler.out0",),
        "a": ("coupler.out1", "there.in"),
        "b": ("there.out", "back.in"),
        "c": ("back.out", "coupler.in1"),
    }
    return Circuit(parts, nets, inputs={"in": "in"}, outputs={"out": "out"})


@pytest.fixture(scope="module")
def ring():
    return Circuit({"ring": RING}, {"in": ("ring.in",), "out": ("ring.out",)}, inputs={"in": "in"}, outputs={"out": "out"})


def through(circuit):
    """The transmission as a function of the wavelength (m)."""
    return lambda wavelength: complex(scattering(circuit, wavelength=wavelength)["out", "in"])


def resonances(transmission, order):
    """Wavelengths (m) of the resonance next below `order` round trips and of its neighbour, where Im out = 0 and out dips."""
    found = []
    for m in (order, order + 1):
        phase = lambda wl: float(2 * np.pi * RING.put(wavelength=jnp.asarray(wl)).phase_index() * RING.length / wl)
        guess = brentq(lambda wl: phase(wl) - 2 * np.pi * m, 1.4e-6, 1.7e-6, xtol=1e-18)
        found.append(brentq(lambda wl: transmission(wl).imag, guess * (1 - 1e-6), guess * (1 + 1e-6), xtol=1e-20, rtol=1e-14))
    return found


def test_a_ring_has_the_free_spectral_range_of_its_group_index(ring):
    first, second = resonances(through(ring), 99)
    spacing = LIGHT / second - LIGHT / first
    assert spacing == pytest.approx(LIGHT / (4.18 * float(RING.length)), rel=1e-6, abs=0)
    assert spacing == pytest.approx(float(RING.free_spectral_range()), rel=1e-6, abs=0)


def test_a_ring_has_the_linewidth_of_its_losses(ring):
    """Half of the absorption at resonance at FSR / pi arcsin((1 - r) / (2 r^0.5)) to either side, r = t_c a."""
    transmission = through(ring)
    centre = resonances(transmission, 99)[0]
    absorbed = lambda wl: 1 - abs(transmission(wl)) ** 2
    kept = np.sqrt(0.98) * 10 ** (-4.0 * 100 * float(RING.length) / 20)
    width = LIGHT / (4.18 * float(RING.length)) * 2 / np.pi * np.arcsin((1 - kept) / (2 * np.sqrt(kept)))
    away = width * centre**2 / LIGHT
    half = lambda wl: absorbed(wl) - absorbed(centre) / 2
    edges = [brentq(half, centre, centre + side * away, xtol=1e-21, rtol=1e-14) for side in (-1, 1)]
    assert LIGHT / edges[0] - LIGHT / edges[1] == pytest.approx(width, rel=1e-6, abs=0)
    assert float(RING.linewidth()) == pytest.approx(width, rel=1e-12, abs=0)


def test_a_ring_of_parts_is_the_ring_and_the_closed_form(ring, ring_of_parts):
    """(t - A) / (1 - t A) at every wavelength, by one linear solve for each."""
    wavelength = np.linspace(1.52e-6, 1.58e-6, 200)
    ours = scattering(ring_of_parts, wavelength=wavelength)["out", "in"]
    np.testing.assert_allclose(ours, scattering(ring, wavelength=wavelength)["out", "in"], rtol=0, atol=1e-11)
    index = 2.44 + (wavelength - 1.55e-6) * (2.44 - 4.18) / 1.55e-6
    length = float(RING.length)
    turn = 10 ** (-4.0 * 100 * length / 20) * np.exp(2j * np.pi * index * length / wavelength)
    np.testing.assert_allclose(ours, (np.sqrt(0.98) - turn) / (1 - np.sqrt(0.98) * turn), rtol=0, atol=1e-11)


@pytest.mark.slow
def test_an_add_drop_ring_keeps_the_power_that_it_does_not_lose():
    part = AddDropRing(coupling=0.1, drop_coupling=0.05)
    names = ("in", "out", "add", "drop")
    circuit = Circuit({"r": part}, {n: (f"r.{n}",) for n in names}, inputs={n: n for n in names}, outputs={n: n for n in names})
    matrix = scattering(circuit, wavelength=np.linspace(1.54e-6, 1.56e-6, 50)).matrix
    square = np.einsum("wij,wik->wjk", np.conj(matrix), matrix)
    np.testing.assert_allclose(square, np.broadcast_to(np.eye(4), square.shape), rtol=0, atol=1e-12)


# --- Meshes and reflections --------------------------------------------------------------------------

WIDE = 6


def mesh(**losses):
    """A rectangular mesh of `WIDE` guides and layers, of random interferometers (Clements et al., Optica 3, 1460 (2016))."""
    random = np.random.default_rng(2)
    parts, lanes, nets = {}, [f"i{k}" for k in range(WIDE)], {f"i{k}": [] for k in range(WIDE)}
    for layer in range(WIDE):
        for upper in range(layer % 2, WIDE - 1, 2):
            name = f"m{layer}_{upper}"
            errors = dict(zip(("input_error", "output_error"), random.normal(0, 0.05, 2), strict=True))
            parts[name] = MachZehnder(*random.uniform(0, 2 * np.pi, 2), **errors, **losses)
            for k in (0, 1):
                nets[lanes[upper + k]].append(f"{name}.in{k}")
                lanes[upper + k] = f"{name}_{k}"
                nets[lanes[upper + k]] = [f"{name}.out{k}"]
    joined = {net: tuple(pins) for net, pins in nets.items()}
    return Circuit(
        parts, joined, inputs={f"i{k}": f"i{k}" for k in range(WIDE)}, outputs={f"o{k}": n for k, n in enumerate(lanes)}
    )


def test_a_lossless_mesh_is_unitary():
    """Each of its six layers rounds a few times: a handful of roundings of one."""
    matrix = np.asarray(scattering(mesh()).matrix)
    np.testing.assert_allclose(np.conj(matrix.T) @ matrix, np.eye(WIDE), rtol=0, atol=WIDE * ROUNDING / 2)
    assert np.abs(matrix).min() > 1e-3  # every input reaches every output


def test_a_mesh_with_equal_losses_keeps_their_product_of_the_power():
    """Inner lanes pass six interferometers, outer ones fewer: between both bounds, and what leaves is what the matrix says."""
    circuit = mesh(arm_loss_db=0.1)
    matrix = np.asarray(scattering(circuit).matrix)
    singular = np.linalg.svd(matrix, compute_uv=False)
    assert 10 ** (-0.1 * WIDE / 20) - ROUNDING < singular.min() < singular.max() < 10 ** (-0.1 * WIDE / 2 / 20)
    sent = np.exp(1j * np.arange(WIDE)) * 0.01
    solution = operating_point(circuit, {f"i{k}": sent[k] for k in range(WIDE)})
    left = np.array([complex(solution[net]) for _, net in circuit.netlist.outputs])
    np.testing.assert_allclose(left, matrix @ sent, rtol=0, atol=ROUNDING * 0.01)


def test_mirrors_make_a_resonator_of_airys_shape():
    """T1 T2 / |1 - sqrt(R1 R2) e^{2 i phi}|^2: feedback between two mirrors, and no power is lost."""
    parts = {"left": Mirror(0.8), "cavity": PhaseShifter(0.3), "right": Mirror(0.6)}
    nets = {"in": ("left.in",), "a": ("left.out", "cavity.in"), "b": ("cavity.out", "right.in"), "out": ("right.out",)}
    circuit = Circuit(parts, nets, inputs={"in": "in", "out": "out"}, outputs={"in": "in", "out": "out"})
    found = scattering(circuit)
    airy = 0.2 * 0.4 / abs(1 - np.sqrt(0.8 * 0.6) * np.exp(0.6j)) ** 2
    assert abs(complex(found["out", "in"])) ** 2 == pytest.approx(airy, rel=1e-13, abs=0)
    matrix = np.asarray(found.matrix)
    np.testing.assert_allclose(np.conj(matrix.T) @ matrix, np.eye(2), rtol=0, atol=10 * ROUNDING)
    assert complex(found["out", "in"]) == pytest.approx(complex(found["in", "out"]), rel=1e-13)


def test_phases_of_a_mesh_have_the_derivative_of_central_differences():
    circuit = mesh()

    def power(phases):
        changed = circuit.set("m0_0.internal_phase", phases[0]).set("m2_2.external_phase", phases[1])
        return jnp.abs(scattering(changed)["o2", "i1"]) ** 2

    at = jnp.asarray([0.7, 1.9])
    both = jax.jit(jax.value_and_grad(power))
    differences = [(both(at + s)[0] - both(at - s)[0]) / 2e-5 for s in 1e-5 * np.eye(2)]
    np.testing.assert_allclose(both(at)[1], differences, rtol=1e-7, atol=1e-10)


# --- Carriers and refusals ---------------------------------------------------------------------------


def chain(**carriers):
    """Laser, guide, attenuator; `carriers` (m) of each by name."""
    parts = {"laser": Laser(), "guide": Waveguide(), "end": Attenuator(1.0)}
    for name, wavelength in carriers.items():
        parts[name] = parts[name].set("wavelength", wavelength)
    nets = {"a": ("laser.out", "guide.in"), "b": ("guide.out", "end.in"), "c": ("end.out",)}
    return Circuit(parts, nets, outputs={"c": "c"})


def test_parts_that_waves_connect_have_one_carrier():
    words = r"one carrier, but `laser.wavelength` is 1.55e-06 m and `guide.wavelength` is 1.54e-06 m; use `circuit.tuned"
    with pytest.raises(InputError, match=words):
        operating_point(chain(guide=1.54e-6))
    tuned = operating_point(chain(guide=1.54e-6).tuned(1.56e-6))
    alone = complex(Waveguide(wavelength=1.56e-6).transmission(1e-4))
    assert complex(tuned["b"]) == pytest.approx(np.sqrt(1e-3) * alone, rel=1e-13)


def test_what_cannot_scatter_is_refused_in_words(ring):
    with pytest.raises(InputError, match=r"`scattering` needs a circuit with optical inputs, but it has none"):
        scattering(chain())
    with pytest.raises(InputError, match=r"`wavelength` must be above 0 m, but is 0 m"):
        scattering(ring, wavelength=0.0)
    with pytest.raises(InputError, match=r"`wavelength` must be a number or a row of them, but has shape \(1, 1\)"):
        scattering(ring, wavelength=[[1.55e-6]])
    with pytest.raises(InputError, match=r"Name an output and an input, such as `\['out', 'in'\]`, but not 'out'"):
        scattering(ring, wavelength=1.55e-6)["out"]
    with pytest.raises(InputError, match=r"`output` must be one of out, but is `drop`"):
        scattering(ring, wavelength=1.55e-6)["drop", "in"]
