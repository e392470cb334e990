"""The scattering matrix of a linear optical part, found by feeding it unit waves."""

import jax
import jax.numpy as jnp


def optical(part):
    return [name for name, port in part.ports().items() if port.domain == "optical"]


def at_rest(part):
    return {name: unknown.value for name, unknown in part.rest().items()}


def told(part, **waves):
    """Port values: the `waves` given, zero elsewhere."""
    kind = lambda port: complex if port.is_complex else float
    p = {name: jnp.zeros(port.shape, kind(port)) for name, port in part.ports().items()}
    return p | {n: jnp.broadcast_to(jnp.asarray(w, p[n].dtype), p[n].shape) for n, w in waves.items()}


def matrix(part, p=None, x=None):
    """S[i, j]: what leaves port i where a unit wave arrives at port j, one lane, stated waves solved for.

    `p` and `x` hold the potentials and the unknowns that are no waves.
    """
    ports, p, x = optical(part), p or told(part), x or at_rest(part)
    waves = sorted(part.balance(0.0, p, x).stated)

    def response(arriving, inside):
        moved = p | dict(zip(ports, arriving, strict=True)), x | dict(zip(waves, inside, strict=True))
        balance = part.balance(0.0, *moved)
        return jnp.stack([balance.static[n] for n in ports]), [balance.stated[n].value for n in waves]

    arriving, inside = jnp.zeros(len(ports), complex), jnp.zeros(len(waves), complex)
    if not waves:
        return jax.jacfwd(lambda a: response(a, inside)[0], holomorphic=True)(arriving)
    joined = lambda z: jnp.concatenate([(r := response(z[: len(ports)], z[len(ports) :]))[0], jnp.stack(r[1])])
    whole = jax.jacfwd(joined, holomorphic=True)(jnp.concatenate([arriving, inside]))
    direct, out = whole[: len(ports), : len(ports)], whole[: len(ports), len(ports) :]
    into, around = whole[len(ports) :, : len(ports)], whole[len(ports) :, len(ports) :]
    return direct + out @ jnp.linalg.solve(jnp.eye(len(waves)) - around, into)
