"""Learning and memory on synaptic arrays: rules, training and what to beat; storage, recall and how well it recalls."""

from devsim.learning.activation import Activation, Linear, Sigmoid, Tanh
from devsim.learning.contrastive import Contrast, ContrastiveHebbian, GeneRec
from devsim.learning.feedback import Backpropagation, RandomBackpropagation, ReadoutOnly
from devsim.learning.hopfield import Hopfield, Recall, basin, energy, flip, occlude, overlap, recall, recalled, success
from devsim.learning.network import LayeredNetwork, ideal_network, initial_weights
from devsim.learning.oscillator_network import OscillatorNetwork, PhaseRecall
from devsim.learning.phases import aligned, phase_error, scramble, settle
from devsim.learning.rule import Rule
from devsim.learning.settling import Settling
from devsim.learning.silicon_cells import SiliconCells
from devsim.learning.spiking_cells import IdealCells, SpikingCells
from devsim.learning.spiking_network import SpikingLayer, SpikingNetwork, SpikingRun
from devsim.learning.storage import hebb, pseudo_inverse, storkey
from devsim.learning.train import Trained, load, train, trained

__all__ = [
    "Activation",
    "Backpropagation",
    "Contrast",
    "ContrastiveHebbian",
    "GeneRec",
    "Hopfield",
    "IdealCells",
    "LayeredNetwork",
    "Linear",
    "OscillatorNetwork",
    "PhaseRecall",
    "RandomBackpropagation",
    "ReadoutOnly",
    "Recall",
    "Rule",
    "Settling",
    "Sigmoid",
    "SiliconCells",
    "SpikingCells",
    "SpikingLayer",
    "SpikingNetwork",
    "SpikingRun",
    "Tanh",
    "Trained",
    "aligned",
    "basin",
    "energy",
    "flip",
    "hebb",
    "ideal_network",
    "initial_weights",
    "load",
    "occlude",
    "overlap",
    "phase_error",
    "pseudo_inverse",
    "recall",
    "recalled",
    "scramble",
    "settle",
    "storkey",
    "success",
    "train",
    "trained",
]
