"""Phase shifters: fixed, electro-optic, thermo-optic."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.check import InputError, above
from devsim.devices.lanes import Lanes
from devsim.devices.photonic.electrode import Electrode
from devsim.devices.photonic.knobs import loss
from devsim.devices.photonic.light import turned, weakened
from devsim.parameter import deviation, parameter
from devsim.physics import BOLTZMANN, ROOM_TEMPERATURE
from devsim.ports import Balance, Noise, electrical, no_memory, optical, quiet


class PhaseShifter(Lanes):
    """A given phase, alike in both directions and at all wavelengths.

    Equations: out = 10^(-loss / 20) exp(i phase) in.
    Source: Saleh, Teich, Fundamentals of Photonics (2nd ed., Wiley, 2007), section 2.4.
    Valid: much shorter than the modulation.
    """

    phase: Array = parameter(0.0, unit="rad", stage="program", doc="phase that a wave gains")
    phase_spread: Array = deviation("phase", "rad")
    loss_db: Array = loss("loss of power from end to end")
    rest, noise = no_memory, quiet

    def ports(self):
        """The ends `in` and `out`."""
        return {"in": optical(self.shape()), "out": optical(self.shape())}

    def balance(self, t, p, x):
        """Turn both ways alike."""
        factor = weakened(self.loss_db) * turned(self.phase)
        return Balance({"out": factor * p["in"], "in": factor * p["out"]})


class ElectroOpticPhaseShifter(Electrode):
    """A phase in proportion to a voltage, for Pockels or depletion modulators.

    Equations: out = 10^(-(loss + s v)+ / 20) exp(i (pi v / V_pi + bias)) in, v the junction's potential, which follows the
    pins' voltage through R C; i = G_leak (v_plus - v_minus) + C dv/dt; noise 4 k T G_leak and 4 k T R.
    Source: Saleh, Teich, Fundamentals of Photonics (2nd ed., Wiley, 2007), section 20.1.
    Valid: lumped electrodes, modulation much slower than the transit of the light, v in the linear range.
    """

    voltage_pi: Array = parameter(5.0, unit="V", bounds=above(0), doc="voltage for a phase of pi")
    voltage_pi_spread: Array = deviation("voltage_pi", "1", "lognormal")
    bias: Array = parameter(0.0, unit="rad", doc="phase at zero voltage")
    bias_spread: Array = deviation("bias", "rad")
    loss_db: Array = loss("loss of power at zero voltage")
    loss_db_per_volt: Array = parameter(0.0, unit="dB/V", ideal=0.0, doc="additional loss per volt; the sum is never a gain")

    def ports(self):
        """Waves `in` and `out`, electrical `plus` and `minus`."""
        return {"in": optical(self.shape()), "out": optical(self.shape())} | self.pins()

    def balance(self, t, p, x):
        """Turn and weaken as the junction says."""
        voltage, load = x["junction"], self.load(p, x)
        decibels = jnp.maximum(self.loss_db + self.loss_db_per_volt * voltage, 0.0)
        factor = weakened(decibels) * turned(jnp.pi * voltage / self.voltage_pi + self.bias)
        return load._replace(static=load.static | {"out": factor * p["in"], "in": factor * p["out"]})


class ThermoOpticPhaseShifter(Lanes):
    """A heater over a waveguide: a resistor whose heat, once it has arrived, turns the phase; a bus has crosstalk.

    Equations: i = v / R, R = R0 (1 + alpha R_th q); tau dq/dt = v i - q; phase_i = pi sum_j C_ij q_j / P_pi + offset;
    out = 10^(-loss / 20) exp(i phase) in; noise 4 k (T + R_th q) / R. C is the crosstalk where that is a matrix; of a
    number c, C_ij = c^|i - j|.
    Source: Harris et al., Opt. Express 22, 10487 (2014), whose doped-silicon heater has P_pi = 24.8 mW and a bandwidth of
    130 kHz; phases as a matrix times heats: Milanizadeh et al., J. Lightwave Technol. 37, 1325 (2019).
    Valid: one thermal time constant, index linear in temperature; with a number, lanes of a bus at equal distances, and that
    crosstalk falls geometrically with distance is a simplification. `OpticalRibbon` leads lanes of a bus to other parts.

    Raises InputError for a matrix that is not (n, n) or has another diagonal than one.
    """

    between = frozenset(("crosstalk",))

    resistance: Array = parameter(1e3, unit="ohm", bounds=above(0), doc="resistance of the cold heater")
    resistance_spread: Array = deviation("resistance", "1", "lognormal")
    power_pi: Array = parameter(24.8e-3, unit="W", bounds=above(0), doc="heat for a phase of pi")
    power_pi_spread: Array = deviation("power_pi", "1", "lognormal")
    offset: Array = parameter(0.0, unit="rad", doc="phase of the cold shifter")
    offset_spread: Array = deviation("offset", "rad")
    thermal_time_constant: Array = parameter(
        1.22e-6, unit="s", bounds=(0, None), stage="read", ideal=0.0, doc="time constant with which heat arrives"
    )
    crosstalk: Array = parameter(
        0.0,
        unit="1",
        bounds=(0, 1),
        stage="read",
        ideal=0.0,
        doc="share of a lane's heat that its neighbours in a bus feel; or (n, n), of lane j's heat that lane i feels",
    )
    thermal_resistance: Array = parameter(2.9e3, unit="K/W", bounds=(0, None), doc="rise of the heater's temperature per heat")
    temperature_coefficient: Array = parameter(
        0.0, unit="1/K", bounds=(0, None), stage="read", ideal=0.0, doc="relative change of resistance per kelvin of rise"
    )
    loss_db: Array = loss("loss of power from end to end")
    temperature: Array = parameter(ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="temperature of the chip")

    def ports(self):
        """Waves `in` and `out`, electrical `plus` and `minus`."""
        pins = {"plus": electrical(self.shape()), "minus": electrical(self.shape())}
        return {"in": optical(self.shape()), "out": optical(self.shape())} | pins

    def rest(self):
        """`power`: the heat in W that has arrived at the waveguide."""
        return {"power": self.silent(scale=1e-2, settles=True)}

    def check_shapes(self) -> None:
        """Raise where the crosstalk is neither a number, nor one for each lane, nor a matrix between them."""
        super().check_shapes()
        given, lanes = jnp.shape(self.crosstalk), self.shape()
        if given and given not in (lanes, lanes * 2):
            raise InputError(
                f"`crosstalk` of {lanes[0] if lanes else 'no'} lanes side by side must be a number or have shape"
                f" {lanes * 2 or (1, 1)}, but has shape {given}."
            )
        if len(given) == 2 and check.is_concrete(self.crosstalk) and np.any(np.diag(self.crosstalk) != 1):
            raise InputError("`crosstalk` must have ones on its diagonal: every lane feels the whole of its own heat.")

    def conductance(self, heat: Array) -> Array:
        """Conductance of the heater in S when `heat` (W) has warmed it."""
        return 1 / (self.resistance * (1 + self.temperature_coefficient * self.thermal_resistance * heat))

    def phase(self, heat: Array) -> Array:
        """Phase in rad of every lane; `heat` in W, shape () or (n,)."""
        felt = jnp.sum(self.shares() * heat[..., None, :], axis=-1) if self.shape() else heat
        return jnp.pi * felt / self.power_pi + self.offset

    def shares(self) -> Array:
        """C: what share of the heat of lane j lane i feels, (n, n)."""
        if jnp.ndim(self.crosstalk) > 1:
            return self.crosstalk
        lanes = jnp.arange(self.shape()[-1])
        return jnp.asarray(self.crosstalk)[..., None] ** jnp.abs(lanes[:, None] - lanes)

    def balance(self, t, p, x):
        """A resistor, a lag, and a phase."""
        voltage, heat = p["plus"] - p["minus"], x["power"]
        current = self.conductance(heat) * voltage
        factor = weakened(self.loss_db) * turned(self.phase(heat))
        waves = {"out": factor * p["in"], "in": factor * p["out"]}
        electric = {"plus": current, "minus": -current, "power": heat - voltage * current}
        return Balance(waves | electric, {"power": self.thermal_time_constant * heat})

    def noise(self, p, x):
        """Johnson noise of the warm heater."""
        warm = self.temperature + self.thermal_resistance * x["power"]
        return {"thermal": Noise(4 * BOLTZMANN * warm * self.conductance(x["power"]), ("plus", "minus"))}
