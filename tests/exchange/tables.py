"""Files of scattering parameters for the tests of this folder."""

import numpy as np

LUMERICAL = """\
["port 1","LEFT"]
["port 2","RIGHT"]
("port 1","TE",1,"port 1",1,"transmission")
(3,3)
1.90e14 0.1 0.0
1.92e14 0.1 0.2
1.94e14 0.1 0.4
("port 2","TE",1,"port 1",1,"transmission")
(3,3)
1.90e14 0.9 1.0
1.92e14 0.8 2.0
1.94e14 0.7 3.0
"""


def unitary(seed: int, count: int, ports: int) -> np.ndarray:
    """Random unitary matrices, (count, ports, ports)."""
    rng = np.random.default_rng(seed)
    return np.linalg.qr(rng.normal(size=(count, ports, ports)) + 1j * rng.normal(size=(count, ports, ports)))[0]


def touchstone(frequencies: np.ndarray, scattering: np.ndarray) -> str:
    """A two-port file in Hz, real and imaginary parts to 17 digits."""
    rows = ["# Hz S RI R 50"]
    for f, s in zip(frequencies, scattering, strict=True):
        flat = s.T.ravel()  # S11 S21 S12 S22
        rows.append(" ".join(f"{x:.17g}" for x in [f, *np.stack([flat.real, flat.imag], axis=1).ravel()]))
    return "\n".join(rows) + "\n"
