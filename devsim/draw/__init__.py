"""`draw(circuit)`: a picture of parts, nets and domains."""

from devsim.draw.drawing import draw

__all__ = ["draw"]
