"""Neural networks: modules, layers, initial weights; the losses are here too, where PyTorch has them."""

from tinygrad_edu.losses import BCEWithLogitsLoss, CrossEntropyLoss, HuberLoss, L1Loss, MSELoss
from tinygrad_edu.nn import init
from tinygrad_edu.nn.layers import Dropout, Linear, ReLU, Sequential, Sigmoid, Softmax, Tanh
from tinygrad_edu.nn.mlp import ACTIVATIONS, MLP
from tinygrad_edu.nn.module import Module, Parameter

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "Dropout",
    "HuberLoss",
    "L1Loss",
    "Linear",
    "MSELoss",
    "Module",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "init",
]
