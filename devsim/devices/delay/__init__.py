"""Complex weights made of delays: chains of inverters behind memristors, one for each link or one for each sender."""

from devsim.devices.delay.chains import DelayChains
from devsim.devices.delay.delay_array import DelayArray
from devsim.devices.delay.reduced import ReducedDelays
from devsim.devices.delay.tapped import TappedDelays

__all__ = ["DelayArray", "DelayChains", "ReducedDelays", "TappedDelays"]
