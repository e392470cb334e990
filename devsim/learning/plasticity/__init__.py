"""Spike-based plasticity: rules that see only what is local to a synapse."""

from devsim.learning.plasticity.pair import PSTDP
from devsim.learning.plasticity.plasticity import Local, Plasticity, Signals
from devsim.learning.plasticity.replay import PlasticityRun, replay
from devsim.learning.plasticity.table import PLASTICITY, survey

__all__ = ["PLASTICITY", "PSTDP", "Local", "Plasticity", "PlasticityRun", "Signals", "replay", "survey"]
