"""Rules of plasticity as circuits of subthreshold transistors."""

from devsim.learning.plasticity.silicon.calcium import SiliconCSTDP
from devsim.learning.plasticity.silicon.pair import SiliconPSTDP
from devsim.learning.plasticity.silicon.reward import SiliconRSTDP
from devsim.learning.plasticity.silicon.rule import SiliconRule
from devsim.learning.plasticity.silicon.short_term import SiliconShortTerm
from devsim.learning.plasticity.silicon.spike_driven import SiliconSDSP

__all__ = ["SiliconCSTDP", "SiliconPSTDP", "SiliconRSTDP", "SiliconRule", "SiliconSDSP", "SiliconShortTerm"]
