"""`draw(circuit)`: a picture of parts, nets and domains."""

from devsim.draw.drawing import draw, picture_format

__all__ = ["draw", "picture_format"]
