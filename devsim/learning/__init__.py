"""Learning and memory on synaptic arrays: storage rules, recall, and how well it recalls."""

from devsim.learning.hopfield import Hopfield, Recall, basin, energy, flip, occlude, overlap, recall, recalled, success
from devsim.learning.storage import hebb, pseudo_inverse, storkey

__all__ = [
    "Hopfield",
    "Recall",
    "basin",
    "energy",
    "flip",
    "hebb",
    "occlude",
    "overlap",
    "pseudo_inverse",
    "recall",
    "recalled",
    "storkey",
    "success",
]
