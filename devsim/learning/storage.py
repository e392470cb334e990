"""Storage rules: from patterns of +-1, or of phases, to the weights of an associative memory.

Patterns are (P, N): P patterns of N neurons, +-1 or, for neurons that have a phase, complex numbers of magnitude 1. Weights
are (N, N), without unit, symmetric or Hermitian; the field of a state is s W.

Hebb and Storkey are local: the change at a synapse needs only the two neurons it joins, their fields and its own
weight, and one pattern after the other. `hebb_change` and `storkey_change` are that change, for an array's `nudge`.
The pseudo-inverse is not local: it needs all patterns at once, and is the reference that local rules are measured by.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from devsim import check
from devsim.check import InputError


def hebb(patterns: Array, *, keep_diagonal: bool = False) -> Array:
    """The Hebbian weights of `patterns` (P, N); local.

    Equation: W = X^H X / N, with W_ii = 0 unless `keep_diagonal` (then W_ii = P / N).
    Source: Hopfield, PNAS 79, 2554 (1982), eq. 2, divided by N as in Amit, Gutfreund and Sompolinsky,
    Phys. Rev. Lett. 55, 1530 (1985); phases: Noest, Phys. Rev. A 38, 2196 (1988).
    Valid: uncorrelated patterns, P up to about 0.138 N (about 1.6 % wrong bits there, then collapse); of phases up to about
    0.038 N (Cook, J. Phys. A 22, 2057 (1989)).
    """
    x = unimodular("patterns", patterns)
    return _diagonal(x.conj().T @ x / x.shape[-1], keep_diagonal)


def hebb_change(pattern: Array) -> Array:
    """What one `pattern` (N,) adds to the Hebbian weights: x_i* x_j / N, diagonal included; local."""
    x = jnp.asarray(pattern, jnp.result_type(pattern, float))
    return jnp.outer(x.conj(), x) / x.shape[-1]


def storkey(patterns: Array, *, keep_diagonal: bool = False) -> Array:
    """The weights that Storkey's rule reaches after seeing each of `patterns` (P, N) once, in order; local.

    Equation: from W = 0, for each pattern W <- W + `storkey_change(W, x)`. The diagonal enters no other weight, so
    that W_ii = 0 unless `keep_diagonal` changes nothing else.
    Source: Storkey, ICANN 1997, LNCS 1327, 451; Storkey and Valabregue, Neural Networks 12, 869 (1999).
    Valid: capacity above Hebb's, about N / sqrt(2 ln N) exact patterns, also for correlated patterns.
    """
    return _diagonal(_storkey(bipolar("patterns", patterns)), keep_diagonal)


@jax.jit
def _storkey(x: Array) -> Array:
    """The scan over patterns, diagonal included."""
    empty = jnp.zeros((x.shape[-1], x.shape[-1]), x.dtype)
    return jax.lax.scan(lambda w, pattern: (w + storkey_change(w, pattern), None), empty, x)[0]


def storkey_change(weights: Array, pattern: Array) -> Array:
    """What Storkey's rule adds to `weights` (N, N) for one `pattern` (N,); local.

    Equation: dW_ij = (x_i x_j - x_i h_ji - h_ij x_j) / N, with the field at neuron i that reaches it neither from
    itself nor from j: h_ij = sum over k other than i, j of W_ik x_k.
    Source: as `storkey`.
    """
    x = jnp.asarray(pattern, jnp.result_type(pattern, float))
    others = _diagonal(weights, False)
    h = (others @ x)[:, None] - others * x[None, :]
    return (jnp.outer(x, x) - x[:, None] * h.T - h * x[None, :]) / x.shape[-1]


def pseudo_inverse(patterns: Array, *, keep_diagonal: bool = True) -> Array:
    """The projection onto the space that `patterns` (P, N) span, P at most N; not local, a reference.

    Equation: W = X^+ X (X^+ the pseudo-inverse), so that x W = x for each pattern and every mixture of them. Computed from
    the singular vectors of X above rounding: linearly dependent patterns and duplicates add nothing and do no harm
    (`independent` counts those that remain). Without the diagonal the field of a pattern is (1 - W_ii) x_i: the
    patterns stay fixed points and their basins widen.
    Source: Personnaz, Guyon and Dreyfus, Phys. Rev. A 34, 4217 (1986); diagonal: Kanter and Sompolinsky,
    Phys. Rev. A 35, 380 (1987).
    Valid: patterns attract up to about N / 2; with N independent ones W is the identity, which recalls nothing.
    """
    x = unimodular("patterns", patterns)
    count, size = x.shape
    if count > size:
        raise InputError(
            f"`patterns` must be at most as many as their {size} neurons for the pseudo-inverse, but are {count}: "
            "leave some out or take more neurons."
        )
    _, kept, directions = _spectrum(x)
    basis = jnp.where(kept[:, None], directions, 0.0)
    return _diagonal(basis.conj().T @ basis, keep_diagonal)


def independent(patterns: Array) -> Int[Array, ""]:
    """How many of `patterns` (P, N) are linearly independent: the rank of the pseudo-inverse weights."""
    return _spectrum(unimodular("patterns", patterns))[1].sum()


def check_independent(name: str, patterns: Array) -> None:
    """Raise InputError where known `patterns` (P, N) are more than their neurons, or naming one that is made of others."""
    x = unimodular(name, patterns)
    if len(x) > x.shape[-1]:
        raise InputError(f"`{name}` must be at most as many as their {x.shape[-1]} neurons, but are {len(x)}.")
    if not check.is_concrete(x):
        return
    x = np.asarray(x)
    rounding = max(x.shape) * np.finfo(x.dtype).eps
    left = np.abs(np.diag(np.linalg.qr(x.T, mode="r")))
    (rest,) = np.nonzero(left <= 10 * rounding * np.sqrt(x.shape[-1]))
    if len(rest):
        first, kept = int(rest[0]), np.setdiff1d(np.arange(rest[0]), rest)
        made_of = np.linalg.lstsq(x[kept].T, x[first], rcond=None)[0]
        others = ", ".join(str(k) for k, share in zip(kept, made_of, strict=True) if abs(share) > 1e3 * rounding)
        raise InputError(
            f"`{name}` must be linearly independent, but pattern {first} is made of {others}"
            f"{'' if len(rest) == 1 else f' (and {len(rest) - 1} more are made of others)'}; leave it out."
        )


def unimodular(name: str, patterns: Array) -> Array:
    """`patterns` (P, N) of +-1, or complex of magnitude 1; InputError where they are neither or have another shape."""
    if not np.issubdtype(jnp.result_type(patterns), np.complexfloating):
        return bipolar(name, patterns)
    _check_axes(name, patterns)
    check.magnitude_one(name, patterns, 1e3 * float(jnp.finfo(jnp.result_type(patterns)).eps))
    return jnp.asarray(patterns)


def bipolar(name: str, patterns: Array) -> Array:
    """`patterns` (P, N) as floating-point numbers; InputError where they are not -1 or +1 or have another shape."""
    _check_axes(name, patterns)
    if np.issubdtype(jnp.result_type(patterns), np.complexfloating):
        raise InputError(f"`{name}` must hold only -1 and +1 here, but are complex.")
    if check.is_concrete(patterns):
        array = np.asarray(patterns).astype(float)
        wrong = np.argwhere(np.abs(array) != 1)
        if len(wrong):
            first = tuple(int(i) for i in wrong[0])
            raise InputError(
                f"`{name}` must hold only -1 and +1, but {len(wrong)} of {array.size} values are neither "
                f"(first {array[first]:g} at index {first}); `2.0 * (picture > level) - 1` makes them."
            )
    return jnp.asarray(patterns, jnp.result_type(patterns, float))


def _check_axes(name: str, patterns: Array) -> None:
    if jnp.ndim(patterns) != 2 or 0 in jnp.shape(patterns):
        raise InputError(f"`{name}` must have shape (patterns, neurons), none 0, but has shape {jnp.shape(patterns)}.")


def _spectrum(x: Array) -> tuple[Array, Array, Array]:
    """Singular values of `x`, which of them are above rounding, and their directions in the space of neurons."""
    _, values, directions = jnp.linalg.svd(x, full_matrices=False)
    return values, values > values[0] * max(x.shape) * jnp.finfo(x.dtype).eps, directions


def _diagonal(weights: Array, keep: bool) -> Array:
    """`weights` with or without each neuron's coupling to itself."""
    return weights if keep else weights * (1 - jnp.eye(weights.shape[-1], dtype=weights.dtype))
