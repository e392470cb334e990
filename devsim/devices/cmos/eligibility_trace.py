"""`EligibilityTrace`: what a synapse remembers of coincidences until it is told what they were worth."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.cmos.log_domain_filter import LinearFilter
from devsim.parameter import parameter
from devsim.ports import Balance, spikes_in


class EligibilityTrace(LinearFilter):
    """Log-domain low-pass filters that events of one neuron charge with a current of the other; a pin or a bus.

    Equations, with tau = C U_T / (kappa I_tau): tau dI/dt = (I_g / I_tau) pulses I_in - (I - I_0): exactly linear; each event
      adds (I_g / I_tau) I_in width / tau, which then falls as exp(-t / tau), down to the off current I_0.
    Source: the log-domain filter of Frey, IEE Proc. G 140, 406 (1993), as the tau-cell of van Schaik and Jin, Proc. ISCAS
    (2003), p. 293; eligibility: Izhikevich, Cereb. Cortex 17, 2443 (2007).
    Valid: weak inversion; pulses far shorter than tau, whose charge arrives at the end of the step in which they come.
    """

    time_constant_current: Array = parameter(2e-12, unit="A", bounds=above(0), doc="I_tau, that discharges the capacitor")
    gain_current: Array = parameter(2e-12, unit="A", bounds=above(0), doc="I_g, that sets the gain I_g / I_tau")
    capacitance: Array = parameter(25e-12, unit="F", bounds=above(0), doc="capacitance C")
    pulse_width: Array = parameter(100e-6, unit="s", bounds=above(0), doc="length of the pulse that an event makes")

    def ports(self):
        """Events `gate`, the current `input` that they let in, and the current `out`."""
        return {"gate": spikes_in(self.shape()), "input": self.current_in(), "out": self.current_out()}

    def balance(self, t, p, x):
        """The filter between events, and the input that holds its net."""
        filtered = self.filtered(x["log_current"], 0.0)
        return Balance(filtered.static | self.held("input"), filtered.stored)

    def jump(self, t, p, x):
        """Every event lets its pulse in."""
        return {"log_current": self.struck(x["log_current"], self.pulse(p["gate"] * jnp.maximum(p["input"], 0)))}

    def noise(self, p, x):
        """Shot noise of the currents that charge and discharge the capacitor, between events."""
        return self.noises(x["log_current"], 0.0)
