"""Toy chips whose budgets are known in closed form."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim.chip import Chip, Metric, share
from devsim.circuit import Circuit
from devsim.devices.electrical.passive import Resistor
from devsim.parameter import parameter
from devsim.randomness import named_key, numbered_keys

PI = float(np.pi)


def load():
    """A resistor, since a chip has a circuit."""
    return Circuit({"load": Resistor(1e3)}, {"top": ("load.a",), "gnd": ("load.b",)}, outputs={"out": "top"})


class Toy(Chip):
    """A chip that is its own die and has no data."""

    @classmethod
    def design(cls):
        """The chip as declared."""
        return cls(load())

    def task(self, key):
        """Nothing."""
        return jnp.zeros(())

    def build(self, task, key):
        """The die is the drawing."""
        return self


@jax.custom_vjp
def only_backwards(x):
    """2 x, with a derivative that only reverse mode knows."""
    return 2 * x


only_backwards.defvjp(lambda x: (2 * x, None), lambda _, slope: (2 * slope,))


def straight_through(x):
    """x in steps of a quarter, with the slope of x."""
    return x + jax.lax.stop_gradient(jnp.round(4 * x) / 4 - x)


class Linear(Toy):
    """answer = 2 - 3 gain (1 + 0.1 z) - 2 loss (1 + 0.1 y), with z and y standard normal from die to die."""

    circuit: Circuit
    skew: Array = parameter(unit="1", bounds=(-1, 1), stage="read", ideal=0.0, doc="of two lanes, each of slope 1")
    gain: Array = parameter(0.1, unit="V", bounds=(0, None), stage="read", ideal=0.0, doc="slope 3")
    loss: Array = parameter(0.2, unit="1", bounds=(0, 1), stage="read", ideal=0.0, doc="slope 2")
    unused: Array = parameter(0.0, unit="1", bounds=(0, None), stage="read", ideal=0.0, doc="at its ideal value")

    name: ClassVar[str] = "linear"
    budget_metric: ClassVar[str] = "answer"
    usual_dies: ClassVar[int] = 4
    metrics: ClassVar[dict[str, Metric]] = {
        "answer": Metric("A", "falls with both"),
        "error": Metric("A", "its distance from 2", higher_is_better=False),
        "passed": share("whether the answer exceeds 1.3"),
        "rounded": Metric("A", "the answer in steps, with the slope of none"),
        "nothing": Metric("1", "always 0"),
    }

    @classmethod
    def design(cls):
        """Two lanes of unlike skew."""
        return cls(load(), jnp.array([0.02, 0.04]))

    def measure(self, task, key):
        """The line, seen in many ways."""
        z, y = jax.random.normal(named_key(key, "z"), (2,))
        answer = 2 - 3 * self.gain * (1 + 0.1 * z) - 2 * self.loss * (1 + 0.1 * y) - jnp.sum(self.skew)
        return {
            "answer": answer,
            "error": 2 - answer,
            "passed": (answer > 1.3).astype(answer.dtype),
            "rounded": straight_through(answer),
            "nothing": 0 * answer,
        }


class Backwards(Linear):
    """The line, differentiable in reverse mode only."""

    def measure(self, task, key):
        """Twice the answer."""
        return {name: only_backwards(value) for name, value in super().measure(task, key).items()}


class Outside(Linear):
    """The line, computed where no derivative is known."""

    def measure(self, task, key):
        """The answer, by a callback."""
        outside = lambda x: jax.pure_callback(lambda y: np.asarray(y), x, x, vmap_method="expand_dims")
        return {name: outside(value) for name, value in super().measure(task, key).items()}


def draws(key, dies):
    """z and y of each die: (2, dies)."""
    keys = numbered_keys(named_key(key, "dies"), dies)
    drawn = jax.vmap(lambda one: jax.random.normal(named_key(named_key(one, "measure"), "z"), (2,)))(keys)
    return np.asarray(drawn, float).T


class Ishigami(Toy):
    """sin x + 7 sin^2 y + 0.1 z^4 sin x of Ishigami and Homma, ISUMA'90 (1990), each of x, y, z between -pi and pi."""

    circuit: Circuit
    x: Array = parameter(PI, unit="1", bounds=(-PI, PI), stage="read", ideal=-PI, doc="first")
    y: Array = parameter(PI, unit="1", bounds=(-PI, PI), stage="read", ideal=-PI, doc="second")
    z: Array = parameter(PI, unit="1", bounds=(-PI, PI), stage="read", ideal=-PI, doc="third")

    name: ClassVar[str] = "ishigami"
    budget_metric: ClassVar[str] = "value"
    metrics: ClassVar[dict[str, Metric]] = {"value": Metric("1", "of the function")}

    def measure(self, task, key):
        """The function."""
        return {"value": jnp.sin(self.x) + 7 * jnp.sin(self.y) ** 2 + 0.1 * self.z**4 * jnp.sin(self.x)}


def ishigami_indices():
    """First-order and total indices of x, y, z."""
    a, b = 7.0, 0.1
    x = (1 + b * PI**4 / 5) ** 2 / 2
    y = a**2 / 8
    xz = b**2 * PI**8 * (1 / 18 - 1 / 50)
    variance = x + y + xz
    return np.array([x, y, 0.0]) / variance, np.array([x + xz, y, xz]) / variance
