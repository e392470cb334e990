"""Where waves divide and combine: directional coupler and splitter."""

from jaxtyping import Array

from devsim.devices.lanes import Lanes
from devsim.devices.photonic.knobs import loss
from devsim.devices.photonic.light import weakened
from devsim.parameter import deviation, parameter
from devsim.ports import Balance, no_memory, optical, quiet
from devsim.smooth import root


class DirectionalCoupler(Lanes):
    """Two waveguides that exchange power; `in0` continues as `out0`, and alike in both directions.

    Equations: out0 = A (t in0 + i k in1), out1 = A (i k in0 + t in1), t^2 = 1 - coupling, k^2 = coupling,
    A = 10^(-loss / 20).
    Source: Yariv, Yeh, Photonics (6th ed., Oxford, 2007); Yariv, Electron. Lett. 36, 321 (2000).
    Valid: matched guides without reflection, over a band in which the coupling is constant. The derivative of the exact
    bar (0) and cross (1) with respect to `coupling`, which is infinite, is taken as zero.
    """

    coupling: Array = parameter(0.5, unit="1", bounds=(0, 1), doc="share of the power that crosses over")
    coupling_spread: Array = deviation("coupling", "1")
    excess_loss_db: Array = loss("loss of both outputs together, beyond the division")
    rest, noise = no_memory, quiet

    def ports(self):
        """Inputs `in0`, `in1`, outputs `out0`, `out1`; light may come from either side."""
        return {name: optical(self.shape()) for name in ("in0", "in1", "out0", "out1")}

    def balance(self, t, p, x):
        """Stay and cross, in both directions."""
        kept = weakened(self.excess_loss_db)
        stay, cross = kept * root(1 - self.coupling), 1j * kept * root(self.coupling)
        return Balance(
            {
                "out0": stay * p["in0"] + cross * p["in1"],
                "out1": cross * p["in0"] + stay * p["in1"],
                "in0": stay * p["out0"] + cross * p["out1"],
                "in1": cross * p["out0"] + stay * p["out1"],
            }
        )


class Splitter(Lanes):
    """One waveguide into two, in phase; backwards it combines, and radiates what is out of phase.

    Equations: out0 = A (1/2 + imbalance)^0.5 in, out1 = A (1/2 - imbalance)^0.5 in; backwards the same factors.
    Source: Pozar, Microwave Engineering (4th ed., Wiley, 2012), section 7.1: a lossless reciprocal three-port cannot be
    matched everywhere; here the outputs see no reflection, and the odd mode is lost.
    Valid: matched, over a band in which the division is constant.
    """

    imbalance: Array = parameter(
        0.0, unit="1", bounds=(-0.5, 0.5), stage="fabricate", ideal=0.0, doc="share of the power at `out0` above one half"
    )
    imbalance_spread: Array = deviation("imbalance", "1")
    excess_loss_db: Array = loss("loss of both outputs together, beyond the division")
    rest, noise = no_memory, quiet

    def ports(self):
        """`in`, `out0` and `out1`."""
        return {name: optical(self.shape()) for name in ("in", "out0", "out1")}

    def balance(self, t, p, x):
        """Divide forwards, combine backwards."""
        kept = weakened(self.excess_loss_db)
        first, second = kept * root(0.5 + self.imbalance), kept * root(0.5 - self.imbalance)
        return Balance({"out0": first * p["in"], "out1": second * p["in"], "in": first * p["out0"] + second * p["out1"]})
