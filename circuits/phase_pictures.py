"""Small grey pictures, 16 rows of 12 pixels, drawn by formulas: digits, letters and scenes."""

import itertools

import numpy as np

ROWS, COLUMNS = 16, 12
_Y, _X = np.mgrid[0:ROWS, 0:COLUMNS]
_Y, _X = (_Y + 0.5) / ROWS * 4 / 3, (_X + 0.5) / COLUMNS
"""Centres of the pixels: x from 0 to 1, y from 0 to 4/3, downwards."""

PEN, BLUR = 0.075, 0.08
"""Half the width of a stroke, and over what distance it fades, in widths of the picture."""


def arc(x: float, y: float, radius: float, start: float, end: float) -> list[tuple[float, float]]:
    """Points of an arc around (x, y) from `start` to `end` degrees, clockwise from the right."""
    angles = np.radians(np.linspace(start, end, 13))
    return [(x + radius * np.cos(a), y + radius * np.sin(a)) for a in angles]


STROKES = {
    "2": [[*arc(0.5, 0.42, 0.26, -170, 40), (0.22, 1.12), (0.82, 1.12)]],
    "3": [[*arc(0.47, 0.42, 0.24, -160, 90)], [*arc(0.47, 0.9, 0.27, -90, 160)]],
    "5": [[(0.78, 0.2), (0.3, 0.2), (0.27, 0.6), *arc(0.48, 0.83, 0.29, -100, 150)]],
    "8": [[*arc(0.5, 0.42, 0.22, 0, 360)], [*arc(0.5, 0.9, 0.27, 0, 360)]],
    "A": [[(0.15, 1.15), (0.5, 0.17), (0.85, 1.15)], [(0.28, 0.82), (0.72, 0.82)]],
    "K": [[(0.22, 0.17), (0.22, 1.15)], [(0.8, 0.17), (0.24, 0.72)], [(0.38, 0.6), (0.82, 1.15)]],
    "R": [[(0.22, 1.15), (0.22, 0.2), *arc(0.5, 0.44, 0.24, -90, 90), (0.22, 0.68)], [(0.45, 0.7), (0.82, 1.15)]],
    "Z": [[(0.2, 0.2), (0.8, 0.2), (0.2, 1.13), (0.82, 1.13)]],
}
"""Of digits and letters, polylines of points (x, y)."""


def drawn(strokes: list[list[tuple[float, float]]]) -> np.ndarray:
    """Grey levels (16, 12) of strokes of the pen: 1 on a stroke, 0 away from it."""
    nearest = np.full((ROWS, COLUMNS), np.inf)
    for stroke in strokes:
        ends = np.asarray(stroke)
        for a, b in itertools.pairwise(ends):
            along = b - a
            share = np.clip(((_X - a[0]) * along[0] + (_Y - a[1]) * along[1]) / max(along @ along, 1e-12), 0, 1)
            nearest = np.minimum(nearest, np.hypot(_X - a[0] - share * along[0], _Y - a[1] - share * along[1]))
    return np.clip((PEN + BLUR - nearest) / BLUR, 0, 1)


def scenes() -> dict[str, np.ndarray]:
    """Grey pictures (16, 12), 0 to 1, by name."""
    hill = lambda top, height, pace, shift: top - height * np.sin(pace * _X + shift)
    sun = np.clip((0.2 - np.hypot(_X - 0.65, _Y - 0.42)) / 0.06, 0, 1)
    sea = np.where(_Y > 0.78, 0.55 + 0.25 * np.sin(34 * _Y + 5 * np.sin(7 * _X)), 0.1 + 0.35 * _Y)
    ridge = np.where(hill(0.75, 0.22, 6.0, 0.3) < _Y, 0.6, 0.15)
    ridge = np.where(hill(1.0, 0.15, 8.0, 2.0) < _Y, 1.0, ridge)
    moon = np.hypot(_X - 0.35, _Y - 0.35)
    radius = np.hypot(_X - 0.5, _Y - 2 / 3)
    height = np.sqrt(np.clip(0.46**2 - radius**2, 0, None)) / 0.46
    light = np.clip(0.75 * height - 0.9 * (_X - 0.5) - 0.9 * (_Y - 2 / 3), 0, 1)
    return {
        "sunset": np.maximum(sun, sea),
        "mountains": np.maximum(ridge, np.clip((0.13 - moon) / 0.05, 0, 1) * 0.9),
        "ball": np.where(radius < 0.46, 0.25 + 0.75 * light, 0.1 + 0.1 * _Y),
        "ripples": 0.5 + 0.5 * np.cos(22 * np.hypot(_X - 0.1, _Y - 0.2)),
    }


def pictures() -> dict[str, np.ndarray]:
    """The twelve pictures (16, 12), grey levels 0 to 1, by name: four digits, four letters, four scenes."""
    return {name: drawn(strokes) for name, strokes in STROKES.items()} | scenes()
