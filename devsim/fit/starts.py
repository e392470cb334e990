"""Where a fit begins: what the bench reads off the data, its nominal values, and Sobol points over the search."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.check import InputError
from devsim.fit.bench import Bench
from devsim.fit.coordinate import Coordinate
from devsim.fit.rows import Rows
from devsim.randomness import named_key


def starts_of(bench: Bench, coordinates: tuple[Coordinate, ...], rows: Rows, *, count: int, key: Key[Array, ""]) -> np.ndarray:
    """Coordinates (devices, starts, p): the guess of the bench where it makes one, the nominal values, `count` Sobol points.

    Points are those of a scrambled Sobol sequence (Owen, J. Complexity 14, 466 (1998)), the same for every device.
    """
    check.whole("starts", count, 0)
    nominal = np.array([c.to_z(float(bench.get(c.path))) for c in coordinates])
    shared = np.vstack([nominal, _sobol(coordinates, count, key)])
    guessed = [_guess(bench, coordinates, rows, device, nominal) for device in range(len(rows.devices))]
    own = [] if guessed[0] is None else [np.array(guessed)[:, None]]
    return np.concatenate([*own, np.broadcast_to(shared, (len(rows.devices), *shared.shape))], axis=1)


def _sobol(coordinates: tuple[Coordinate, ...], count: int, key: Key[Array, ""]) -> np.ndarray:
    if not count:
        return np.empty((0, len(coordinates)))
    from scipy.stats import qmc

    seed = np.random.default_rng(int(jax.random.bits(named_key(key, "starts"))))
    points = qmc.Sobol(len(coordinates), rng=seed).random_base2(max(count - 1, 0).bit_length())[:count]
    return np.array([[c.of_share(share) for c, share in zip(coordinates, point, strict=True)] for point in points])


def _guess(
    bench: Bench, coordinates: tuple[Coordinate, ...], rows: Rows, device: int, nominal: np.ndarray
) -> np.ndarray | None:
    there = rows.weight[device] > 0
    told = bench.guess(
        {name: jnp.asarray(column[device][there]) for name, column in rows.inputs.items()},
        jnp.asarray(rows.output[device][there]),
    )
    return None if not told else _guessed(bench.name, coordinates, told, nominal)


def _guessed(name: str, coordinates: tuple[Coordinate, ...], told: Mapping[str, Array], nominal: np.ndarray) -> np.ndarray:
    z = nominal.copy()
    for i, coordinate in enumerate(coordinates):
        value = float(told.get(coordinate.path, np.nan))
        if np.isfinite(value):
            z[i] = coordinate.to_z(value)
    if not np.isfinite(z).all():
        raise InputError(f"`{name}` must have nominal values to begin with, but one of its free parameters has none.")
    return z
