"""What all photonic parts share: buses, fabrication, gradients, 32-bit arrays, errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices import photonic
from devsim.devices.photonic import DirectionalCoupler, MachZehnder, RingModulator, ThermoOpticPhaseShifter, Waveguide
from devsim.parameter import quantities

KEY = jax.random.key(8)
LANES = 4096
KINDS = [name for name in photonic.__all__ if name not in ("OpticalRibbon", "TabulatedScatterer", "Termination")]


def told(part, seed):
    rng = np.random.default_rng(seed)
    draw = lambda port: rng.normal(size=port.shape) + (1j * rng.normal(size=port.shape) if port.is_complex else 0)
    p = {name: jnp.asarray(draw(port)) for name, port in part.ports().items()}
    shift = lambda value: value + jnp.asarray(rng.normal(size=value.shape) + (1j if jnp.iscomplexobj(value) else 0))
    return p, {name: shift(unknown.value) for name, unknown in part.rest().items()}


def stirred(kind, shape=()):
    """A part with every knob away from its default and from its bounds."""
    rng = np.random.default_rng(2)
    base, fields = getattr(photonic, kind)(), {}
    for name, quantity in quantities(base).items():
        size = float(getattr(base, name)) or (1e-2 if quantity.bounds.low is not None else 0.3)
        fields[name] = size * rng.uniform(0.8, 0.95, shape)
    return type(base)(**fields)


def everything(part, p, x):
    """All that a part says, as one real vector."""
    leaves = jax.tree.leaves((part.balance(0.0, p, x), [n.density for n in part.noise(p, x).values()]))
    flat = jnp.concatenate([jnp.ravel(leaf) for leaf in leaves])
    return jnp.concatenate([jnp.real(flat), jnp.imag(flat)])


@pytest.mark.parametrize("kind", KINDS)
def test_a_bus_is_its_lanes_side_by_side(kind):
    bus = stirred(kind, (3,))
    p, x = told(bus, 1)
    assert all(port.shape == (3,) for port in bus.ports().values())
    lanes = bus if kind != "ThermoOpticPhaseShifter" else bus.put(crosstalk=jnp.zeros(3))
    whole = lanes.balance(0.0, p, x)
    for i in range(3):
        lane = jax.tree.map(lambda leaf: leaf[i], lanes)
        one = lane.balance(0.0, *jax.tree.map(lambda v: v[i], (p, x)))
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a[i], b, rtol=1e-12, atol=1e-18), whole, one)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_with_respect_to_every_knob_equal_central_differences(kind):
    part = stirred(kind)
    p, x = told(part, 3)
    size = np.abs(np.asarray(everything(part, p, x)))
    weights = jnp.asarray(np.random.default_rng(4).normal(size=size.shape) / np.where(size > 0, size, 1.0))
    names = list(quantities(part))

    @jax.jit
    def score(factors):
        return weights @ everything(part.put(**{n: getattr(part, n) * f for n, f in zip(names, factors, strict=True)}), p, x)

    slopes = jax.jit(jax.grad(score))(jnp.ones(len(names)))
    # A phase of 2 pi n L / wavelength, at most 700 rad, is cubed in the error h^2/6 of a difference: 2e-9 of its slope.
    h = 1e-7
    moved = np.eye(len(names)) * h
    differences = [(score(1 + step) - score(1 - step)) / (2 * h) for step in moved]
    np.testing.assert_allclose(slopes, differences, rtol=1e-6, atol=1e-7 * (1 + np.abs(np.asarray(slopes)).max()))


@pytest.mark.parametrize("kind", KINDS)
def test_parts_work_in_single_precision(kind):
    part = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), stirred(kind))
    p, x = told(part, 1)
    small = lambda v: v.astype(jnp.complex64 if jnp.iscomplexobj(v) else jnp.float32)
    rest = {name: unknown.value for name, unknown in part.rest().items()}
    assert all(value.dtype in (jnp.float32, jnp.complex64) for value in rest.values())
    said = jax.tree.leaves(part.balance(0.0, *jax.tree.map(small, (p, x))))
    assert all(leaf.dtype in (jnp.float32, jnp.complex64) and np.all(np.isfinite(leaf)) for leaf in said)


def test_every_lane_of_a_die_draws_for_itself():
    couplers = DirectionalCoupler(coupling=0.4, coupling_spread=0.01, excess_loss_db=np.zeros(LANES)).fabricate(KEY)
    # Standard errors of a mean and of a standard deviation over the lanes.
    assert np.mean(couplers.coupling) == pytest.approx(0.4, abs=5 * 0.01 / np.sqrt(LANES))
    assert np.std(couplers.coupling) == pytest.approx(0.01, rel=5 / np.sqrt(2 * LANES), abs=0)
    meshed = MachZehnder(np.zeros(LANES), input_error_spread=0.02, output_error_spread=0.02).fabricate(KEY)
    correlation = np.corrcoef(meshed.input_error, meshed.output_error)[0, 1]
    assert abs(correlation) < 5 / np.sqrt(LANES)


def test_a_share_that_is_drawn_stays_a_share():
    couplers = DirectionalCoupler(coupling=np.full(LANES, 0.02), coupling_spread=0.1).fabricate(KEY)
    assert 0 == np.min(couplers.coupling) < np.max(couplers.coupling) < 1


def test_the_carrier_can_be_set_on_every_part_that_has_one():
    for kind in ("Laser", "Waveguide", "RingResonator", "AddDropRing", "RingModulator", "OpticalAmplifier"):
        assert float(getattr(photonic, kind)().set("wavelength", 1.31e-6).wavelength) == 1.31e-6


def test_parameters_whose_shapes_do_not_fit_are_an_error_that_names_them():
    with pytest.raises(InputError, match=r"The parameters of a Waveguide must be .* but have .*`length` \(3,\)"):
        Waveguide(np.ones(3), loss_db_per_cm=np.zeros(2))


def test_crosstalk_of_zero_has_a_derivative():
    heat = jnp.array([1e-3, 2e-3, 0.0])
    heater = ThermoOpticPhaseShifter(offset=np.zeros(3))
    slope = jax.grad(lambda c: heater.put(crosstalk=c).phase(heat).sum())(jnp.asarray(0.0))
    assert float(slope) == pytest.approx(np.pi / 24.8e-3 * (1e-3 + 2 * 2e-3), rel=1e-12, abs=0)


def test_the_geometry_of_a_modulator_comes_first_and_the_rest_by_name():
    ring = RingModulator(4e-5, 0.2, capacitance=1e-14)
    assert (float(ring.length), float(ring.coupling), float(ring.capacitance)) == (4e-5, 0.2, 1e-14)
