"""`Reduced`: what is left of an array of which only its answers are wanted any more."""

from typing import ClassVar

from devsim import check
from devsim.devices.synaptic_array import SynapticArray


class Reduced(SynapticArray):
    """An array that answers like the one it was made from, the `whole`, but has no cells: it cannot be written or age."""

    whole: ClassVar[str]

    def program(self, target, key):
        """Not possible: the cells are no longer there."""
        raise check.InputError(
            f"A reduced {self.whole} cannot be written; program the {self.whole}, then call `reduce()` again."
        )

    def nudge(self, delta, key):
        """Not possible: the cells are no longer there."""
        return self.program(delta, key)

    def age(self, seconds, temperature, key):
        """Not possible: the cells are no longer there."""
        raise check.InputError(f"A reduced {self.whole} cannot age; age the {self.whole}, then call `reduce()` again.")
