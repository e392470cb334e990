"""One set of laws, run over every device."""

import importlib
import inspect
import pkgutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import devsim.devices
from devsim.check import InputError
from devsim.parameter import quantities
from devsim.part import Element, aged
from devsim.physics import BOLTZMANN
from tests.every_device.devices import DEVICES, FROZEN, KEY, OHMIC, PASSIVE, SURROGATE, answer, told

SLOW = ("crossbar", "filament VCM")
"""Devices that solve equations of their own: the laws take long on them."""


def marked(names):
    return [pytest.param(n, marks=pytest.mark.slow if n in SLOW else []) for n in names]


@pytest.fixture(params=marked(DEVICES))
def name(request):
    return request.param


@pytest.fixture
def device(name):
    return DEVICES[name]()


def electrical(device):
    return [n for n, port in device.ports().items() if port.domain == "electrical" and not port.drives]


def same(one, other, **tolerance):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **(tolerance or {"rtol": 0, "atol": 0})), one, other)


def public_elements():
    found = set()
    for module in pkgutil.walk_packages(devsim.devices.__path__, "devsim.devices."):
        for _, each in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(each, Element) and not inspect.isabstract(each) and each.__module__.startswith("devsim."):
                found.add(each)
    return found


def test_every_public_device_is_listed():
    listed = {type(make()) for make in DEVICES.values()}
    assert public_elements() == listed


def test_every_docstring_says_equations_source_and_validity():
    for each in public_elements() - {type(DEVICES["ideal array"]()), type(DEVICES["reduced crossbar"]())}:
        for part in ("Equations", "Source:", "Valid:"):
            assert any(part in (inspect.getdoc(c) or "") for c in each.__mro__[:3]), (each.__name__, part)


def test_every_quantity_says_its_unit_and_what_it_is(device):
    for field, quantity in quantities(device).items():
        assert quantity.unit and len(quantity.doc) > 3, field
        assert quantity.spreads is None or quantity.spreads in quantities(device), field


@pytest.mark.parametrize("name", marked(PASSIVE), indirect=True)
def test_terminal_currents_cancel(device):
    p, x = told(device)
    balance = device.balance(0.0, p, x)
    for into in (balance.static, balance.stored):  # currents, and the charges behind the pins
        pins = [into[n] for n in electrical(device) if n in into]
        total = sum(float(jnp.sum(value)) for value in pins)
        assert abs(total) <= 1e-9 * max((float(jnp.max(jnp.abs(value))) for value in pins), default=0.0) + 1e-30


@pytest.mark.parametrize("name", marked(PASSIVE), indirect=True)
def test_passive_parts_dissipate(device):
    for seed in range(5):
        p, x = told(device, seed)
        static = device.balance(0.0, p, x).static
        assert sum(float(jnp.sum(p[n] * static[n])) for n in electrical(device) if n in static) >= 0


def real_row(values):
    """The numbers of a dictionary in one row, real parts before imaginary ones."""
    flat = [jnp.ravel(values[n]) for n in sorted(values)]
    return jnp.concatenate([jnp.real(v) for v in flat] + [jnp.imag(v) for v in flat if jnp.iscomplexobj(v)])


def test_the_jacobian_equals_central_differences(device, name):
    p, x = told(device, 3)
    inside = device.set("step", 0.0) if name in ("DAC", "ADC") else device  # a staircase has no honest difference
    balance = jax.jit(lambda p: real_row(answer(inside, p, x)))
    rng = np.random.default_rng(7)
    for n in p if name not in SURROGATE else ():
        direction = rng.normal(size=p[n].shape)
        direction = jnp.asarray(direction + 1j * rng.normal(size=p[n].shape) if jnp.iscomplexobj(p[n]) else direction)
        push = jax.jvp(balance, (p,), ({m: direction if m == n else jnp.zeros_like(p[m]) for m in p},))[1]
        h = 1e-5
        moved = [balance(p | {n: p[n] + s * h * direction}) for s in (1, -1)]
        scale = float(jnp.max(jnp.abs(push))) or 1.0
        np.testing.assert_allclose(push, (moved[0] - moved[1]) / (2 * h), rtol=1e-5, atol=1e-6 * scale, err_msg=n)


def test_fabricating_without_spread_is_the_identity(device):
    clean = device.ideal()
    p, x = told(clean)
    same(answer(clean.fabricate(KEY), p, x), answer(clean, p, x), rtol=1e-14, atol=0)


def test_no_time_is_no_ageing_and_ageing_composes(device, name):
    if name in FROZEN:
        with pytest.raises(InputError, match=FROZEN[name]):
            device.age(1.0, 300.0, KEY)
        return
    p, _ = told(device)
    at_rest = lambda part: answer(part, p, {n: u.value for n, u in part.rest().items()})
    same(at_rest(aged(device, 0.0, key=KEY)), at_rest(device), rtol=1e-14, atol=0)
    twice = aged(aged(device, 1e3, key=KEY), 7e4, key=KEY)
    same(at_rest(twice), at_rest(aged(device, 7.1e4, key=KEY)), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("name", marked(OHMIC), indirect=True)
def test_equilibrium_noise_is_that_of_the_conductance(device):
    p, x = told(device, size=0.0)
    noise = device.noise(p, x)["thermal"]
    port = noise.between[0]
    current = lambda v: jnp.sum(device.balance(0.0, p | {port: v}, x).static[port])
    conductance = jax.grad(current)(p[port])
    np.testing.assert_allclose(noise.density, 4 * BOLTZMANN * 300.0 * conductance, rtol=1e-10)


def test_a_diode_at_rest_is_as_noisy_as_its_conductance():
    diode = DEVICES["diode"]()
    noise = diode.noise({"anode": jnp.zeros(()), "cathode": jnp.zeros(())}, {})["shot"].density
    junction = jax.grad(diode.current)(0.0) - diode.minimum_conductance
    assert float(noise) == pytest.approx(4 * BOLTZMANN * 300.0 * float(junction), rel=1e-9)


def test_vmap_equals_a_loop(device):
    p, x = told(device)
    many = jax.tree.map(lambda v: jnp.stack([v, -0.5 * v, 0.3 * v]), p)
    balance = lambda p: answer(device, p, x)
    vectorised = jax.vmap(balance)(many)
    for i in range(3):
        one = balance(jax.tree.map(lambda v, i=i: v[i], many))
        scale = max(float(jnp.max(jnp.abs(v))) for v in one.values()) or 1.0
        for n, value in one.items():
            np.testing.assert_allclose(
                np.broadcast_to(vectorised[n], (3, *value.shape))[i], value, rtol=1e-9, atol=1e-11 * scale
            )


def test_one_compilation_serves_many_parameter_values(device):
    p, x = told(device)
    traces = 0

    @jax.jit
    def balance(part):
        nonlocal traces
        traces += 1
        return answer(part, p, x)

    knobs = [n for n, e in device.parameters().items() if e.quantity.knob and e.quantity.bounds.high is None][:4]
    for knob in knobs:
        for factor in (1.1, 1.3):
            balance(
                device.set(knob, factor * np.abs(device.get(knob)))
                if device.entry(knob).quantity.bounds.low is not None
                else device
            )
    balance(device)
    assert traces == 1


def test_a_bad_value_raises_with_the_name_of_the_parameter(device):
    for path, entry in device.parameters().items():
        low, high = entry.quantity.bounds.low, entry.quantity.bounds.high
        bad = low - 1 if low is not None else high + 1 if high is not None else np.nan
        with pytest.raises(InputError, match=f"`{path}` must be"):
            device.set(path, bad)
        with pytest.raises(InputError, match=f"`{path}` must be"):
            device.set(path, np.nan)


def test_knobs_that_have_an_ideal_value_allow_it(device):
    for path, entry in device.imperfections().items():
        assert np.all(np.asarray(device.set(path, entry.quantity.ideal).get(path)) == entry.quantity.ideal), path
