"""Which plasticity rules there are, and what each sees."""

from devsim.learning.plasticity.bcm import SBCM
from devsim.learning.plasticity.burst import BDSP
from devsim.learning.plasticity.calcium import CSTDP
from devsim.learning.plasticity.dendritic import DPSS
from devsim.learning.plasticity.membrane import HMPDP, MPDP
from devsim.learning.plasticity.membrane_steps import CMPDP
from devsim.learning.plasticity.pair import PSTDP
from devsim.learning.plasticity.plasticity import Local, Plasticity
from devsim.learning.plasticity.rate_dependent import RDSP
from devsim.learning.plasticity.reward import RSTDP
from devsim.learning.plasticity.short_term import ShortTerm
from devsim.learning.plasticity.spike_driven import SDSP
from devsim.learning.plasticity.triplet import TSTDP
from devsim.learning.plasticity.voltage import VSTDP

PLASTICITY: dict[str, type[Plasticity]] = {
    "PSTDP": PSTDP,
    "TSTDP": TSTDP,
    "VSTDP": VSTDP,
    "SDSP": SDSP,
    "C-STDP": CSTDP,
    "SBCM": SBCM,
    "MPDP": MPDP,
    "H-MPDP": HMPDP,
    "C-MPDP": CMPDP,
    "RDSP": RDSP,
    "DPSS": DPSS,
    "BDSP": BDSP,
    "R-STDP": RSTDP,
    "short-term": ShortTerm,
}
"""The rules by their short names: the twelve of Khacef et al., Neuromorph. Comput. Eng. 3, 042001 (2023), and two more."""


def survey() -> str:
    """A table, one rule a line: which local variables it uses."""
    width = max(map(len, PLASTICITY))
    rows = [f"{'':{width}}  " + "  ".join(Local)]
    for name, rule in PLASTICITY.items():
        marks = (f"{'x' if local in rule.uses else '.':^{len(local)}}" for local in Local)
        rows.append(f"{name:{width}}  {'  '.join(marks)}".rstrip())
    return "\n".join(rows)
