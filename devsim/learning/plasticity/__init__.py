"""Spike-based plasticity: rules that see only what is local to a synapse."""

from devsim.learning.plasticity.bcm import SBCM
from devsim.learning.plasticity.burst import BDSP
from devsim.learning.plasticity.calcium import CSTDP, published
from devsim.learning.plasticity.dendritic import DPSS
from devsim.learning.plasticity.membrane import HMPDP, MPDP
from devsim.learning.plasticity.membrane_steps import CMPDP
from devsim.learning.plasticity.pair import PSTDP
from devsim.learning.plasticity.plasticity import Fired, Local, Plasticity, Signals
from devsim.learning.plasticity.rate_dependent import RDSP
from devsim.learning.plasticity.replay import PlasticityRun, replay
from devsim.learning.plasticity.reward import RSTDP
from devsim.learning.plasticity.short_term import ShortTerm
from devsim.learning.plasticity.spike_driven import SDSP
from devsim.learning.plasticity.table import PLASTICITY, survey
from devsim.learning.plasticity.triplet import TSTDP
from devsim.learning.plasticity.voltage import VSTDP

__all__ = [
    "BDSP",
    "CMPDP",
    "CSTDP",
    "DPSS",
    "HMPDP",
    "MPDP",
    "PLASTICITY",
    "PSTDP",
    "RDSP",
    "RSTDP",
    "SBCM",
    "SDSP",
    "TSTDP",
    "VSTDP",
    "Fired",
    "Local",
    "Plasticity",
    "PlasticityRun",
    "ShortTerm",
    "Signals",
    "published",
    "replay",
    "survey",
]
