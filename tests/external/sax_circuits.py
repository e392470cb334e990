"""Photonic circuits as SAX netlists, and the same circuits made of the parts of this package."""

import numpy as np

from devsim.circuit import Circuit
from devsim.devices.photonic import DirectionalCoupler, Termination, Waveguide

PORTS = {"coupler": {}, "guide": {"in0": "in", "out0": "out"}}
"""Component -> SAX's name of a port -> ours, where they differ."""


def coupler(coupling):
    return {"component": "coupler", "settings": {"coupling": float(coupling)}}


def guide(length, loss=2.0):
    """`length` in um, `loss` in dB/cm."""
    return {"component": "guide", "settings": {"length": float(length), "loss_dB_cm": loss, "neff": 2.44, "ng": 4.18}}


def mach_zehnder():
    return {
        "instances": {"split": coupler(0.4), "upper": guide(120.0), "lower": guide(80.0), "join": coupler(0.55)},
        "connections": {
            "split,out0": "upper,in0",
            "split,out1": "lower,in0",
            "upper,out0": "join,in0",
            "lower,out0": "join,in1",
        },
        "ports": {"in0": "split,in0", "in1": "split,in1", "out0": "join,out0", "out1": "join,out1"},
    }


def ring():
    return {
        "instances": {"meet": coupler(0.15), "loop": guide(62.8, 3.0)},
        "connections": {"meet,out1": "loop,in0", "loop,out0": "meet,in1"},
        "ports": {"in0": "meet,in0", "out0": "meet,out0"},
    }


def add_drop():
    return {
        "instances": {"near": coupler(0.1), "far": coupler(0.12), "east": guide(31.4, 3.0), "west": guide(33.0, 3.0)},
        "connections": {"near,out1": "east,in0", "east,out0": "far,in1", "far,out1": "west,in0", "west,out0": "near,in1"},
        "ports": {"in0": "near,in0", "out0": "near,out0", "add": "far,in0", "drop": "far,out0"},
    }


def lattice(stages=6):
    """Couplers with unequal arms between them; the last one keeps an open port."""
    rng = np.random.default_rng(1)
    netlist = {"instances": {"c0": coupler(0.3)}, "connections": {}, "ports": {"in0": "c0,in0"}}
    for k in range(stages):
        netlist["instances"] |= {
            f"u{k}": guide(50 + 40 * rng.uniform()),
            f"l{k}": guide(50.0),
            f"c{k + 1}": coupler(rng.uniform(0.2, 0.8)),
        }
        for side, name in enumerate((f"u{k}", f"l{k}")):
            netlist["connections"] |= {f"c{k},out{side}": f"{name},in0", f"{name},out0": f"c{k + 1},in{side}"}
    netlist["ports"]["out0"] = f"c{stages},out0"
    return netlist


def mesh(guides=8):
    """A rectangle of interferometers, each of two couplers with a longer arm between, one more arm before."""
    rng = np.random.default_rng(2)
    netlist = {"instances": {}, "connections": {}, "ports": {}}
    ends = [None] * guides
    for column in range(guides):
        for row in range(column % 2, guides - 1, 2):
            name = f"m{column}_{row}"
            netlist["instances"] |= {f"{name}a": coupler(rng.uniform(0.4, 0.6)), f"{name}b": coupler(rng.uniform(0.4, 0.6))}
            netlist["instances"] |= {f"{name}t": guide(20 * rng.uniform()), f"{name}p": guide(20 * rng.uniform())}
            joined = {f"{name}a,out0": f"{name}t,in0", f"{name}t,out0": f"{name}b,in0", f"{name}a,out1": f"{name}b,in1"}
            netlist["connections"] |= joined | {f"{name}p,out0": f"{name}a,in0"}
            for side, pin in enumerate((f"{name}p,in0", f"{name}a,in1")):
                if ends[row + side] is None:
                    netlist["ports"][f"in{row + side}"] = pin
                else:
                    netlist["connections"][ends[row + side]] = pin
                ends[row + side] = f"{name}b,out{side}"
    netlist["ports"] |= {f"out{k}": pin for k, pin in enumerate(ends)}
    return netlist


NETLISTS = {"Mach-Zehnder": mach_zehnder, "ring": ring, "add-drop": add_drop, "8x8 mesh": mesh, "lattice": lattice}


def native(netlist):
    """The circuit of a netlist, made of our couplers and waveguides."""
    parts = {}
    for name, told in netlist["instances"].items():
        given = told["settings"]
        if told["component"] == "coupler":
            parts[name] = DirectionalCoupler(coupling=given["coupling"])
        else:
            indices = dict(effective_index=given["neff"], group_index=given["ng"], loss_db_per_cm=given["loss_dB_cm"])
            parts[name] = Waveguide(length=given["length"] / 1e6, **indices)
    loose = {f"{name}.{port}" for name, part in parts.items() for port in part.ports()}

    def pin(told):
        name, port = told.split(",")
        ours = f"{name}.{PORTS[netlist['instances'][name]['component']].get(port, port)}"
        loose.discard(ours)
        return ours

    nets = {one.replace(",", "_"): [pin(one), pin(other)] for one, other in netlist["connections"].items()}
    nets |= {name: [pin(told)] for name, told in netlist["ports"].items()}
    for k, open_pin in enumerate(sorted(loose)):
        parts[f"end{k}"] = Termination()
        nets[f"open{k}"] = [open_pin, f"end{k}.in"]
    shown = {name: name for name in netlist["ports"]}
    return Circuit(parts, nets, inputs=shown, outputs=shown)
