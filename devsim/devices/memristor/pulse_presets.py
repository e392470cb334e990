"""Published pulse cells by name: the numbers that `PulseCell.preset` builds from."""

from typing import Any

from devsim.devices.memristor.pulse_steps import ConstantStep, ExpStep, LinearStep, SoftBoundsReference
from devsim.devices.preset import Preset

UPDATE_CYCLE = 1e-6
"""Duration (s) of one update cycle, by which a lifetime that was published in cycles becomes a rate."""


def _reram_es() -> dict[str, Any]:
    law = ExpStep(amplitude_up=-1.18445, amplitude_down=-0.081404, gamma_up=5.0, gamma_down=5.0, scale=-0.5, shift=-0.5)
    nominal = {"law": law, "step": 0.00135, "asymmetry": 0.259359, "most_pulses": 4000}
    spreads = {"step_spread": 0.2, "asymmetry_spread": 0.05, "upper_spread": 0.3, "lower_spread": 0.3}
    return nominal | spreads | {"cycle_noise": 5.0, "write_noise": 75.0}


def _reram_sb() -> dict[str, Any]:
    nominal = {"law": SoftBoundsReference(noise="absolute"), "step": 0.002, "w_min": -0.75, "w_max": 1.25, "most_pulses": 4000}
    spreads = {"step_spread": 0.3, "asymmetry_spread": 0.01, "upper_spread": 0.3 / 1.25, "lower_spread": 0.3 / 0.75}
    return nominal | spreads | {"cycle_noise": 3.75, "write_noise": 56.0}


def _reram_om() -> dict[str, Any]:
    law = SoftBoundsReference(noise="absolute", reference_spread=0.05)
    nominal = {"law": law, "step": 0.0949, "gain_law": "lognormal", "most_pulses": 200}
    spreads = {"step_spread": 0.7829, "asymmetry_spread": 0.01, "upper_spread": 0.3499, "lower_spread": 0.5695}
    stuck = {"stuck_probability": 0.1348, "stuck_range": 0.01}
    return nominal | spreads | stuck | {"cycle_noise": 0.4158, "write_noise": 1.4113}


def _reram_hfo2() -> dict[str, Any]:
    law = SoftBoundsReference(noise="absolute", reference_spread=0.05)
    nominal = {"law": law, "step": 0.4622, "gain_law": "lognormal", "most_pulses": 100}
    spreads = {"step_spread": 0.7125, "asymmetry_spread": 0.01, "upper_spread": 0.4295, "lower_spread": 0.5990}
    stuck = {"stuck_probability": 0.0977, "stuck_range": 0.01}
    return nominal | spreads | stuck | {"cycle_noise": 0.2174, "write_noise": 0.5841}


def _capacitor() -> dict[str, Any]:
    gammas = {"gamma_up": 0.05, "gamma_down": 0.05, "gamma_up_spread": 0.01, "gamma_down_spread": 0.01}
    nominal = {"law": LinearStep(noise="absolute", mean_bound=True, **gammas), "step": 0.005, "most_pulses": 1000}
    spreads = {"step_spread": 0.1, "asymmetry_spread": 0.06, "upper_spread": 0.07, "lower_spread": 0.07}
    leak = {"decay_rate": 1 / (1e6 * UPDATE_CYCLE), "decay_spread": 0.3}
    return nominal | spreads | leak | {"cycle_noise": 0.3}


def _ecram() -> dict[str, Any]:
    gammas = {"gamma_up": 0.1153, "gamma_down": 0.5085, "gamma_up_spread": 0.05, "gamma_down_spread": 0.05}
    nominal = {"law": LinearStep(mean_bound=True, **gammas), "step": 0.002, "w_min": -0.8276, "w_max": 1.1724}
    spreads = {"step_spread": 0.1, "asymmetry_spread": 0.01, "upper_spread": 0.05, "lower_spread": 0.05}
    return nominal | spreads | {"cycle_noise": 0.3, "most_pulses": 3000}


def _ecram_mo() -> dict[str, Any]:
    gammas = {"gamma_up": 0.4152, "gamma_down": 0.7342, "gamma_up_spread": 0.05, "gamma_down_spread": 0.05}
    nominal = {"law": LinearStep(mean_bound=True, **gammas), "step": 2.8214e-4, "w_min": -0.8286, "w_max": 1.1714}
    spreads = {"step_spread": 0.1, "asymmetry_spread": 0.01, "upper_spread": 0.05, "lower_spread": 0.05}
    return nominal | spreads | {"cycle_noise": 2.0, "most_pulses": 20000}


def _pcm() -> dict[str, Any]:
    curve = {"amplitude_up": -27.235, "amplitude_down": -2.235, "gamma_up": 2.5, "gamma_down": 2.5, "scale": -1.0, "shift": 0.0}
    law = ExpStep(noise_floor=0.042, noise_slope=0.108, **curve)
    nominal = {"law": law, "step": 0.01, "w_min": 0.0, "w_max": 2.0, "reset_first": True, "most_pulses": 400}
    spreads = {"step_spread": 0.2, "asymmetry_spread": 0.05, "upper_spread": 0.1}
    return nominal | spreads | {"cycle_noise": 0.6, "rest_weight": 0.01, "rest_spread": 0.02}


def _idealised() -> dict[str, Any]:
    spreads = {"step_spread": 0.3, "upper_spread": 0.3, "lower_spread": 0.3}
    return {"law": ConstantStep(), "step": 0.0002, "cycle_noise": 0.3, "most_pulses": 20000} | spreads


def _gokmen_vlasov() -> dict[str, Any]:
    spreads = {"step_spread": 0.3, "asymmetry_spread": 0.01, "upper_spread": 0.3, "lower_spread": 0.3}
    return {"law": ConstantStep(), "step": 0.0016, "cycle_noise": 0.3, "most_pulses": 2500} | spreads


GONG = "Gong et al., Nat. Commun. 9, 2102 (2018): ReRAM"
ARRAY = "Gong and Rasch et al., IEDM (2022): ReRAM array"

PRESETS: dict[str, Preset] = {
    "reram-es": Preset(f"{GONG}, exponential steps fitted to measured pulses", _reram_es),
    "reram-sb": Preset(f"{GONG}, looser fit by soft bounds around the subtracted symmetry point", _reram_sb),
    "reram-om": Preset(f"{ARRAY}, optimised material; 13.48 % of the cells are stuck, as measured", _reram_om),
    "reram-hfo2": Preset(f"{ARRAY}, baseline HfO2; 9.77 % of the cells are stuck, as measured", _reram_hfo2),
    "capacitor": Preset(
        "Li et al., Symp. VLSI Technology (2018): capacitor with leakage; a lifetime of 1e6 update cycles of 1 us each",
        _capacitor,
    ),
    "ecram": Preset("Tang et al., IEDM (2018): lithium electrochemical memory, range shifted to its symmetry point", _ecram),
    "ecram-mo": Preset("Kim et al., IEDM (2019): metal-oxide electrochemical memory", _ecram_mo),
    "pcm": Preset(
        "Nandakumar et al., Front. Neurosci. 14, 406 (2020): Ge2Sb2Te5, grows by pulses; half of a `OneSidedPair`", _pcm
    ),
    "idealised": Preset("Rasch, Gokmen, Haensch, IEEE Design & Test (2020): constant steps, 10000 over the range", _idealised),
    "gokmen-vlasov": Preset(
        "Gokmen and Vlasov, Front. Neurosci. 10, 333 (2016): constant steps, about 1200 over the range", _gokmen_vlasov
    ),
}
"""Published cells; the numbers in the form collected by Rasch et al., AICAS (2021), arXiv:2104.02184."""
