"""Published laws of errors in meshes, by Monte Carlo over Haar matrices and imperfections.

E^2 is the mean of |U' - U|^2 / N, F the mean of |tr(U^+ U')|^2 / N^2. Splitter angles spread by sigma; all errors are drawn
anew for each matrix. The laws hold for many modes and weak errors; every test says what is left at N modes, and adds five
standard errors of its draws.
Sources: Bandyopadhyay, Hamerly, Englund, Optica 8, 1247 (2021); Hamerly, Bandyopadhyay, Englund, Nat. Commun. 13, 6831 (2022);
Fang et al., Opt. Express 27, 14009 (2019); Clements et al., Optica 3, 1460 (2016); the angles of Haar matrices: Russell et al.,
New J. Phys. 19, 033007 (2017).
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss

from devsim.devices.mesh import LocalCorrection, Mesh, Rectangular, Triangular, fidelity
from tests.mesh.composed import haar

SLOW = pytest.mark.slow


def quick_if_small(*cases):
    """Cases (modes, ...), of which those of more than 16 modes are slow."""
    return [pytest.param(*case, marks=SLOW if case[0] > 16 else ()) for case in cases]


def drawn(modes, draws, *, kind=Rectangular, corrected=False, **knobs):
    """Squared errors, fidelities, and the mean of tr(U^+ U') / N over splitter errors, each (draws,)."""
    return _drawn(kind(modes), draws, corrected, tuple(sorted(knobs.items())))


@functools.cache
def _drawn(layout, draws, corrected, knobs):
    blank = Mesh.of(layout, **dict(knobs), **({"programmer": LocalCorrection()} if corrected else {}))
    mean_loss = 20 * math.log10(math.e) * blank.splitter_spread**2

    @jax.jit
    @jax.vmap
    def one(target, key):
        chip = blank.fabricate(key).program(target, key)
        found, overlap = chip.weights(), 1.0
        if "splitter_spread" in dict(knobs) and not corrected:
            expected = chip.ideal().put(loss_db=jnp.full(layout.shape, mean_loss)).weights()
            overlap = jnp.real(jnp.sum(jnp.conj(target) * expected)) / layout.modes
        return jnp.sum(jnp.abs(found - target) ** 2) / layout.modes, fidelity(found, target), overlap

    targets = jnp.asarray(haar(layout.modes, 1, draws))
    return tuple(np.asarray(x) for x in one(targets, jax.random.split(jax.random.key(2), draws)))


def assert_near(samples, law, slack):
    """The mean lies within five standard errors and `slack` of the `law`."""
    error = 5 * np.std(samples, ddof=1) / np.sqrt(len(samples))
    assert abs(np.mean(samples) - law) < error + slack, (np.mean(samples), law, error, slack)


RAW = quick_if_small((16, 0.02, 400), (16, 0.1, 400), (32, 0.05, 200), (64, 0.02, 60), (64, 0.05, 60))


@pytest.mark.parametrize(("modes", "sigma", "draws"), RAW)
def test_splitter_errors_are_on_average_a_loss_of_every_path(modes, sigma, draws):
    """The mean of B(e) over a normal e is e^{-sigma^2 / 2} B(0): E^2 = 2 - 2 tr(U^+ U') / N of a mesh that loses as much.
    Exact for every N and sigma."""
    square, _, overlap = drawn(modes, draws, splitter_spread=sigma)
    assert_near(square - 2 * (1 - overlap), 0.0, 0.0)


@pytest.mark.parametrize(("modes", "sigma", "draws"), RAW)
def test_the_raw_error_grows_as_the_root_of_twice_the_modes(modes, sigma, draws):
    """E = (2 N)^0.5 sigma. Left: paths cross N - 1 interferometers on average, not N; E^2 = 2 (1 - exp(-N sigma^2))."""
    square, *_ = drawn(modes, draws, splitter_spread=sigma)
    law = 2 * modes * sigma**2
    assert_near(square, law, law * (1 / modes + modes * sigma**2 / 2))


@pytest.mark.parametrize(("modes", "sigma", "draws"), RAW)
def test_the_fidelity_falls_exponentially_with_modes(modes, sigma, draws):
    """F = exp(-2 N sigma^2). Left: paths at the edges cross fewer, N - 1 on average and down to N / 2: at most N - 2 counts."""
    _, found, _ = drawn(modes, draws, splitter_spread=sigma)
    law = math.exp(-2 * modes * sigma**2)
    assert_near(found, law, law * math.expm1(4 * sigma**2))


@pytest.mark.parametrize(
    ("modes", "sigma", "draws"), quick_if_small((16, 0.1, 400), (32, 0.05, 200), (64, 0.02, 100), (64, 0.05, 60))
)
def test_the_corrected_error_is_of_second_order(modes, sigma, draws):
    """E = (2/3)^0.5 N sigma^2 where N^3 sigma^2 >> 1.

    Left: angles beyond the smallest are rarer by N sigma^2; 6 / N^2 from those near the cross state; E^2 / 4 of saturation.
    """
    square, *_ = drawn(modes, draws, corrected=True, splitter_spread=sigma)
    law = 2 / 3 * modes**2 * sigma**4
    assert_near(square, law, law * (modes * sigma**2 + 6 / modes**2 + law / 4))


def realisable(modes, sigma):
    """The probability that no interferometer clips: sin^2(theta / 2) is Beta(1, k) for N - k of them, k = 1 to N - 1, and must
    lie between sin^2(a + b) and cos^2(a - b)."""
    nodes, weight = hermegauss(40)
    angle = math.sqrt(2) * sigma * nodes
    k = np.arange(1, modes)[:, None]
    each = (np.cos(angle) ** (2 * k) - np.sin(angle) ** (2 * k)) @ weight / weight.sum()
    return np.prod(each ** (modes - k[:, 0]))


@pytest.mark.parametrize(("modes", "sigma", "draws"), quick_if_small((8, 0.05, 1000), (16, 0.02, 1000), (32, 0.01, 400)))
def test_the_share_of_matrices_that_can_be_had_exactly_falls_as_the_cube_of_modes(modes, sigma, draws):
    """exp(-N^3 sigma^2 / 3). Left: N (N^2 - 1) counts, 2 N sigma^2 near the cross state, N^4 sigma^4 / 3 of second order.
    The exact probability leaves nothing."""
    square, *_ = drawn(modes, draws, corrected=True, splitter_spread=sigma)
    exact = (square < 1e-20 * modes).astype(float)
    assert_near(exact, realisable(modes, sigma), 0.0)
    law = math.exp(-(modes**3) * sigma**2 / 3)
    left = modes * sigma**2 / 3 + 2 * modes * sigma**2 + modes**4 * sigma**4 / 3
    assert_near(exact, law, law * math.expm1(left))


@pytest.mark.parametrize(("modes", "sigma", "draws"), quick_if_small((16, 0.02, 200), (32, 0.03, 100), (64, 0.02, 60)))
def test_phase_errors_add_in_power(modes, sigma, draws):
    """E = N^0.5 sigma, F = exp(-N sigma^2), for sigma on each of N^2 heaters. Left: E^2 = 2 (1 - exp(-N sigma^2 / 2)); a common
    phase, of variance sigma^2, is no loss of fidelity."""
    square, found, _ = drawn(modes, draws, phase_offset_spread=sigma)
    law = modes * sigma**2
    assert_near(square, law, law * law / 4)
    assert_near(found, math.exp(-law), sigma**2)


@pytest.mark.parametrize(("modes", "bits", "draws"), quick_if_small((16, 8, 200), (64, 6, 40), (64, 8, 40), (64, 10, 40)))
def test_rounded_phases_err_as_evenly_spread_ones(modes, bits, draws):
    """E = N^0.5 2 pi / 2^b / 12^0.5. Left: as for phase errors; phases spread over N^-0.5 are not quite even over a step."""
    square, *_ = drawn(modes, draws, phase_bits=bits)
    step = 2 * math.pi / 2**bits
    law = modes * step**2 / 12
    assert_near(square, law, law * (law / 4 + step**2 * modes / 12))


@SLOW
@pytest.mark.parametrize(("kind", "published"), [(Rectangular, 0.998), (Triangular, 0.939)])
def test_a_rectangle_bears_equal_loss_and_a_triangle_does_not(kind, published):
    """20 modes, 0.3 dB in each interferometer, the fidelity blind to common loss: numbers to three digits."""
    _, found, _ = drawn(20, 100, kind=kind, loss_db=0.3)
    assert_near(found, published, 0.0005)


def assert_fang(modes, sigma, draws):
    """Fang et al. spread the amplitude transmission 2^-0.5 of splitters by sigma, their angle by 2^0.5 sigma, all phases by
    sigma: F = exp(-N (sigma^2 + 4 sigma^2)). Left: as for either error alone."""
    _, found, _ = drawn(modes, draws, splitter_spread=math.sqrt(2) * sigma, phase_offset_spread=sigma)
    law = math.exp(-5 * modes * sigma**2)
    assert_near(found, law, law * math.expm1(8 * sigma**2) + sigma**2)
    return found


@pytest.mark.parametrize(("modes", "sigma", "draws"), quick_if_small((16, 0.04, 400), (64, 0.02, 60)))
def test_phase_and_splitter_errors_together_follow_fang(modes, sigma, draws):
    assert_fang(modes, sigma, draws)


@SLOW
@pytest.mark.parametrize(("sigma", "published"), [(0.01, 0.880), (0.02, 0.599)])
def test_256_modes_have_the_fidelity_that_fang_published(sigma, published):
    found = assert_fang(256, sigma, 6)
    assert_near(found, published, 0.0005 + 9 * sigma**2)


@SLOW
@pytest.mark.parametrize(("modes", "sigma", "draws"), [(64, 0.1, 100), (128, 0.01, 20)])
def test_the_laws_of_raw_errors_hold_for_strong_errors_and_many_modes(modes, sigma, draws):
    """As above, each against what errors are on average."""
    square, found, overlap = drawn(modes, draws, splitter_spread=sigma)
    assert_near(square - 2 * (1 - overlap), 0.0, 0.0)
    law = math.exp(-2 * modes * sigma**2)
    assert_near(found, law, law * math.expm1(4 * sigma**2))
