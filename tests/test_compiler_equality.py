"""The compiled step does what the step does, to the last bit: for every layer, every loss and every optimizer.

The batches all differ, so that nothing of the first one can hide in the program.
"""

import inspect

import numpy as np
import pytest

from tests.compiling import RNG, assert_equal_steps, floats, mlp, training
from tinygrad_edu import functional, losses, nn, optim

# ----------------------------------------------------------------------------------------------- layers
# Each stands between a linear layer, so that a gradient flows through it, and one that makes three numbers.
LAYERS = {
    "AdaptiveAvgPool1d": (lambda _: nn.AdaptiveAvgPool1d(2), (3, 6)),
    "AdaptiveAvgPool1d, windows that differ": (lambda _: nn.AdaptiveAvgPool1d(3), (3, 7)),
    "AdaptiveAvgPool2d": (lambda _: nn.AdaptiveAvgPool2d(1), (2, 4, 4)),
    "AdaptiveAvgPool2d, windows that differ": (lambda _: nn.AdaptiveAvgPool2d((2, 3)), (2, 5, 4)),
    "AvgPool1d": (lambda _: nn.AvgPool1d(2), (3, 6)),
    "AvgPool2d": (lambda _: nn.AvgPool2d(2), (2, 4, 6)),
    "AvgPool2d, overlapping and padded": (lambda _: nn.AvgPool2d(3, stride=2, padding=1), (2, 5, 5)),
    "BatchNorm1d": (lambda _: nn.BatchNorm1d(4), (4,)),
    "BatchNorm1d of sequences": (lambda _: nn.BatchNorm1d(3), (3, 5)),
    "BatchNorm1d, plain average": (lambda _: nn.BatchNorm1d(4, momentum=None), (4,)),
    "BatchNorm1d, no averages": (lambda _: nn.BatchNorm1d(4, track_running_stats=False), (4,)),
    "BatchNorm1d, no scale": (lambda _: nn.BatchNorm1d(4, affine=False), (4,)),
    "BatchNorm2d": (lambda _: nn.BatchNorm2d(3), (3, 4, 5)),
    "Conv1d": (lambda rng: nn.Conv1d(2, 3, 3, rng=rng), (2, 7)),
    "Conv1d, stride, padding, dilation": (lambda rng: nn.Conv1d(2, 3, 3, 2, 1, 2, rng=rng), (2, 9)),
    "Conv2d": (lambda rng: nn.Conv2d(2, 3, 3, padding=1, rng=rng), (2, 5, 6)),
    "Conv2d, strides": (lambda rng: nn.Conv2d(2, 4, 3, stride=2, rng=rng), (2, 7, 7)),
    "Conv2d, groups, no bias": (lambda rng: nn.Conv2d(4, 4, 3, groups=2, bias=False, rng=rng), (4, 5, 5)),
    "Conv2d, dilated": (lambda rng: nn.Conv2d(1, 2, 2, dilation=2, padding="same", rng=rng), (1, 5, 5)),
    "Conv2d of wide images": (lambda rng: nn.Conv2d(1, 2, 3, padding=1, rng=rng), (1, 4, 20)),
    "Conv3d": (lambda rng: nn.Conv3d(1, 2, 2, rng=rng), (1, 3, 3, 4)),
    "ConvTranspose1d": (lambda rng: nn.ConvTranspose1d(2, 3, 3, rng=rng), (2, 5)),
    "ConvTranspose2d": (lambda rng: nn.ConvTranspose2d(2, 3, 2, stride=2, rng=rng), (2, 3, 4)),
    "ConvTranspose2d, overlapping": (lambda rng: nn.ConvTranspose2d(2, 2, 3, 2, 1, 1, rng=rng), (2, 3, 4)),
    "ConvTranspose3d": (lambda rng: nn.ConvTranspose3d(1, 2, 2, rng=rng), (1, 2, 2, 3)),
    "Dropout": (lambda rng: nn.Dropout(0.4, rng=rng), (5,)),
    "ELU": (lambda _: nn.ELU(), (5,)),
    "Embedding": (lambda rng: nn.Embedding(7, 4, rng=rng), (3,)),
    "Embedding of many rows": (lambda rng: nn.Embedding(40, 20, padding_idx=1, rng=rng), (10,)),
    "Flatten": (lambda _: nn.Flatten(), (2, 3, 2)),
    "GELU": (lambda _: nn.GELU(), (5,)),
    "GELU, tanh": (lambda _: nn.GELU("tanh"), (5,)),
    "Hardtanh": (lambda _: nn.Hardtanh(), (5,)),
    "Identity": (lambda _: nn.Identity(), (5,)),
    "LayerNorm": (lambda _: nn.LayerNorm(5), (5,)),
    "LayerNorm over two axes": (lambda _: nn.LayerNorm((3, 4)), (2, 3, 4)),
    "LayerNorm, no bias": (lambda _: nn.LayerNorm(4, bias=False), (3, 4)),
    "LeakyReLU": (lambda _: nn.LeakyReLU(0.2), (5,)),
    "Linear": (lambda rng: nn.Linear(5, 4, rng=rng), (5,)),
    "Linear of stacks, no bias": (lambda rng: nn.Linear(5, 4, bias=False, rng=rng), (2, 3, 5)),
    "Linear of stacks": (lambda rng: nn.Linear(5, 4, rng=rng), (3, 5)),
    "Linear, wide": (lambda rng: nn.Linear(70, 64, rng=rng), (70,)),
    "LogSoftmax": (lambda _: nn.LogSoftmax(-1), (5,)),
    "MLP": (lambda rng: nn.MLP(5, [4, 3], 2, activation="sigmoid", rng=rng), (5,)),
    "MaxPool1d": (lambda _: nn.MaxPool1d(2), (3, 6)),
    "MaxPool2d": (lambda _: nn.MaxPool2d(2), (2, 4, 6)),
    "MaxPool2d, overlapping and padded": (lambda _: nn.MaxPool2d(3, stride=2, padding=1), (2, 5, 5)),
    "Mish": (lambda _: nn.Mish(), (5,)),
    "RMSNorm": (lambda _: nn.RMSNorm(5), (2, 5)),
    "ReLU": (lambda _: nn.ReLU(), (5,)),
    "SELU": (lambda _: nn.SELU(), (5,)),
    "Sequential": (lambda rng: nn.Sequential(nn.Linear(5, 5, rng=rng), nn.ReLU()), (5,)),
    "SiLU": (lambda _: nn.SiLU(), (5,)),
    "Sigmoid": (lambda _: nn.Sigmoid(), (2, 5)),
    "Softmax": (lambda _: nn.Softmax(-1), (5,)),
    "Softmax along the channels": (lambda _: nn.Softmax(1), (3, 4)),
    "Softplus": (lambda _: nn.Softplus(), (5,)),
    "Tanh": (lambda _: nn.Tanh(), (5,)),
}


def kinds(module, base):
    """List the classes of a module that are made to be used, by name."""
    found = {name: getattr(module, name) for name in module.__all__}
    return {
        name for name, kind in found.items() if inspect.isclass(kind) and issubclass(kind, base) and kind is not base
    }


def names_of(cases):
    return {name.split(",")[0].split(" ")[0] for name in cases}


def test_every_layer_has_a_case():
    assert names_of(LAYERS) == kinds(nn, nn.Module)


def stacked(layer, shape):
    """Make a model around a layer."""

    def build():
        rng = RNG(3)
        middle = layer(rng)
        first = [] if isinstance(middle, nn.Embedding) else [nn.Linear(shape[-1], shape[-1], rng=rng)]
        body = nn.Sequential(*first, middle, nn.Flatten())
        n = body.eval()(inputs_for(middle, shape, 0)).shape[1]
        body.train()
        return training(nn.Sequential(*body, nn.Linear(n, 3, rng=rng)), generators=[rng])

    return build


def inputs_for(layer, shape, k, n=6):
    if isinstance(layer, nn.Embedding):
        return RNG(k).integers(0, layer.num_embeddings, (n, *shape))
    return floats(n, *shape, seed=k)


# Rows that are called as they are: how they compute depends on values. See test_compiler_lowering.py.
OPAQUE = {
    "Embedding of many rows": {"put"},
    "norm": {"p_norm"},
    "sort": {"argsort", "add_along_axis", "take_along_axis"},
}


def assert_apart(name, compiled):
    """Check that nothing but single calls of NumPy is left, which allocate nothing."""
    assert {i.op.name for i in compiled.instructions if i.op.kind == "opaque"} == OPAQUE.get(name, set())


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    layer, shape = LAYERS[name]
    example = layer(RNG(0))
    batches = [(inputs_for(example, shape, k), floats(6, 3, seed=100 + k)) for k in range(4)]
    assert_apart(name, assert_equal_steps(stacked(layer, shape), batches))


# ----------------------------------------------------------------------------------------------- losses
N, CLASSES = 6, 3


def numbers(rng):
    return rng.standard_normal((N, CLASSES)).astype(np.float32)


def labels(rng):
    return rng.integers(0, CLASSES, N)


def some_left_out(rng):
    return np.where(rng.permutation(N) < 2, -100, labels(rng))


def probabilities(rng):
    return rng.dirichlet(np.ones(CLASSES), N).astype(np.float32)


def yes_and_no(rng):
    return rng.integers(0, 2, (N, CLASSES)).astype(np.float32)


WEIGHT = (0.5, 2.0, 1.25)
# The loss, what its targets are, and what the model ends in.
LOSSES = {
    "BCELoss": (nn.BCELoss(), yes_and_no, [nn.Sigmoid()]),
    "BCELoss, weight": (nn.BCELoss(weight=WEIGHT), yes_and_no, [nn.Sigmoid()]),
    "BCEWithLogitsLoss": (nn.BCEWithLogitsLoss(), yes_and_no, []),
    "BCEWithLogitsLoss, weights": (nn.BCEWithLogitsLoss(weight=WEIGHT, pos_weight=WEIGHT), yes_and_no, []),
    "CrossEntropyLoss": (nn.CrossEntropyLoss(), labels, []),
    "CrossEntropyLoss of probabilities": (nn.CrossEntropyLoss(), probabilities, []),
    "CrossEntropyLoss of probabilities, all": (
        nn.CrossEntropyLoss(weight=WEIGHT, label_smoothing=0.1),
        probabilities,
        [],
    ),
    "CrossEntropyLoss, ignore_index": (nn.CrossEntropyLoss(ignore_index=-100), some_left_out, []),
    "CrossEntropyLoss, label_smoothing": (nn.CrossEntropyLoss(label_smoothing=0.1), labels, []),
    "CrossEntropyLoss, weight": (nn.CrossEntropyLoss(weight=WEIGHT), labels, []),
    "CrossEntropyLoss, all": (
        nn.CrossEntropyLoss(weight=WEIGHT, label_smoothing=0.1, ignore_index=-100),
        some_left_out,
        [],
    ),
    "HuberLoss": (nn.HuberLoss(delta=0.75), numbers, []),
    "KLDivLoss": (nn.KLDivLoss(), probabilities, [nn.LogSoftmax(-1)]),
    "KLDivLoss, batchmean": (nn.KLDivLoss(reduction="batchmean"), probabilities, [nn.LogSoftmax(-1)]),
    "KLDivLoss, log_target": (
        nn.KLDivLoss(log_target=True),
        lambda rng: np.log(probabilities(rng)),
        [nn.LogSoftmax(-1)],
    ),
    "L1Loss": (nn.L1Loss(), numbers, []),
    "MSELoss": (nn.MSELoss(), numbers, []),
    "MultiMarginLoss": (nn.MultiMarginLoss(), labels, []),
    "MultiMarginLoss, squared": (nn.MultiMarginLoss(p=2, margin=0.5), labels, []),
    "NLLLoss": (nn.NLLLoss(), labels, [nn.LogSoftmax(-1)]),
    "NLLLoss, all": (nn.NLLLoss(weight=WEIGHT, ignore_index=-100), some_left_out, [nn.LogSoftmax(-1)]),
    "SmoothL1Loss": (nn.SmoothL1Loss(beta=0.75), numbers, []),
    "SmoothL1Loss, beta 0": (nn.SmoothL1Loss(beta=0), numbers, []),
}
OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "SGD, momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "SGD, nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "SGD, weight_decay": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1),
    "Adagrad, all": lambda p: optim.Adagrad(p, 0.1, lr_decay=0.01, weight_decay=0.01, initial_accumulator_value=0.1),
    "Adam": lambda p: optim.Adam(p, lr=0.01),
    "Adam, weight_decay": lambda p: optim.Adam(p, lr=0.01, betas=(0.8, 0.9), weight_decay=0.01),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
    "BatchGradientDescent": lambda p: optim.BatchGradientDescent(p, lr=0.1),
    "GradientDescent": lambda p: optim.GradientDescent(p, lr=0.1),
    "MiniBatchGradientDescent": lambda p: optim.MiniBatchGradientDescent(p, lr=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01),
    "RMSprop, all": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.9, centered=True, weight_decay=0.01),
    "StochasticGradientDescent": lambda p: optim.StochasticGradientDescent(p, lr=0.1),
}


def test_every_loss_has_a_case():
    assert names_of(LOSSES) == kinds(losses, losses.Loss)


def test_every_optimizer_has_a_case():
    own = kinds(optim, optim.Optimizer)
    assert names_of(OPTIMIZERS) == own | {"GradientDescent"}


def assert_equal_with(loss, optimizer):
    criterion, targets, end = loss
    batches = [(floats(N, 5, seed=k), targets(RNG(50 + k))) for k in range(4)]
    assert_apart(None, assert_equal_steps(lambda: training(mlp(0, 5, 4, CLASSES, *end), criterion, optimizer), batches))


@pytest.mark.parametrize("name", [name for name, (loss, *_) in LOSSES.items() if loss.reduction == "mean"])
@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_losses_and_their_reductions(name, reduction):
    criterion, targets, end = LOSSES[name]
    options = {name: value for name, value in vars(criterion).items() if name != "reduction"}
    assert_equal_with((type(criterion)(**options, reduction=reduction), targets, end), OPTIMIZERS["SGD"])


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("optimizer", [f for name, f in OPTIMIZERS.items() if "," not in name])
def test_every_loss_with_every_optimizer(loss, optimizer):
    assert_equal_with(loss, optimizer)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_optimizers_with_their_options(optimizer):
    assert_equal_with(LOSSES["CrossEntropyLoss"], optimizer)


@pytest.mark.parametrize("axis", [1, -1])
def test_a_loss_for_each_place_of_images(axis):
    def build():
        rng = RNG(0)
        return training(nn.Conv2d(2, 3, 3, padding=1, rng=rng), nn.CrossEntropyLoss(axis=axis))

    width = 3 if axis == -1 else 4
    shape = (5, 4, width) if axis == 1 else (5, 3, 4)
    batches = [(floats(5, 2, 4, width, seed=k), RNG(k).integers(0, 3, shape)) for k in range(3)]
    assert_equal_steps(build, batches)


# ----------------------------------------------------------------------------------- models of functions
class Model(nn.Module):
    """Two linear layers, and a function of what they give."""

    def __init__(self, function, n_inputs, n_outputs, rng):
        self.function, self.first = function, nn.Linear(n_inputs, n_inputs, rng=rng)
        self.last = nn.Linear(n_outputs, 3, rng=rng)

    def forward(self, x):
        return self.last(self.function(self.first(x)).flatten(1))


def attention(x, **options):
    q, k, v = (part.swapaxes(1, 2) for part in functional.split(x.reshape((len(x), 4, 2, 6)), 3, axis=-1))
    return functional.scaled_dot_product_attention(q, k, v, **options).swapaxes(1, 2).reshape((len(x), 4, 4))


MASK = np.array([[True, False, True, True], [True, True, False, True], [False] * 4, [True] * 4])
# The function, the shape of its input, and how many numbers it makes of each example.
FUNCTIONS = {
    "attention": (attention, (4, 12), 16),
    "attention that looks back": (lambda x: attention(x, is_causal=True), (4, 12), 16),
    "attention with a mask": (lambda x: attention(x, attn_mask=MASK), (4, 12), 16),
    "concatenate": (lambda x: functional.concatenate([x, x * 2, x[:, :1]], axis=1), (4,), 9),
    "cumsum": (lambda x: x.cumsum(axis=1), (4,), 4),
    "einsum": (lambda x: np.einsum("nij,nkj->nik", x, x), (3, 2), 9),
    "every other entry": (lambda x: x[:, ::2] * x[:, 1::2], (6,), 3),
    "group_norm": (lambda x: functional.group_norm(x, 2), (4, 3), 12),
    "instance_norm": (functional.instance_norm, (2, 5), 10),
    "logsumexp": (lambda x: functional.logsumexp(x, axis=1, keepdims=True), (4,), 1),
    "max along an axis": (lambda x: x.max(axis=1), (3, 2), 2),
    "mean and std": (lambda x: functional.stack([x.mean(axis=1), x.std(axis=1)], axis=1), (5,), 2),
    "min and max": (lambda x: np.minimum(np.maximum(x, x * x), 0.5), (5,), 5),
    "norm": (lambda x: np.linalg.norm(x, axis=1, keepdims=True), (4,), 1),
    "normalize": (functional.normalize, (4,), 4),
    "pad with constants": (lambda x: np.pad(x, ((0, 0), (1, 2)), constant_values=0.5), (4,), 7),
    "pad with edges": (lambda x: np.pad(x, ((0, 0), (1, 2)), mode="edge"), (4,), 7),
    "pad with zeros": (lambda x: np.pad(x, ((0, 0), (1, 2), (0, 1))), (2, 3), 20),
    "picked rows": (lambda x: x[:, np.array([0, 2, 2])], (4,), 3),
    "powers": (lambda x: x**3 + (x * x + 1) ** 0.5 + abs(x) ** x, (4,), 4),
    "prod": (lambda x: x.prod(axis=1, keepdims=True), (4,), 1),
    "residual": (lambda x: x + np.tanh(x) * x.sigmoid(), (4,), 4),
    "rolled": (lambda x: np.roll(x, 1, axis=1), (4,), 4),
    "sort": (lambda x: np.sort(x, axis=1), (4,), 4),
    "split": (lambda x: np.multiply(*functional.split(x, 2, axis=1)), (6,), 3),
    "squeezed and expanded": (lambda x: x[:, None].squeeze(1)[..., None].transpose((0, 2, 1)), (4,), 4),
    "stack": (lambda x: functional.stack([x, x * x], axis=1), (4,), 8),
    "stacked products": (lambda x: x @ x.swapaxes(1, 2), (3, 2), 9),
    "trigonometry": (lambda x: np.sin(x) * np.cos(x) + np.arctan(x), (4,), 4),
    "unfold": (lambda x: functional.unfold(x, 2), (1, 3, 4), 24),
    "where": (lambda x: functional.where(x > 0, x, x * x), (4,), 4),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    function, shape, n = FUNCTIONS[name]
    batches = [(floats(6, *shape, seed=k), floats(6, 3, seed=100 + k)) for k in range(4)]
    assert_apart(name, assert_equal_steps(lambda: training(Model(function, shape[-1], n, RNG(0))), batches))


def test_images_through_a_whole_network():
    def build():
        rng = RNG(0)
        return training(
            nn.Sequential(
                nn.Conv2d(1, 4, 3, padding=1, rng=rng),
                nn.BatchNorm2d(4),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Conv2d(4, 6, 3, rng=rng),
                nn.GELU(),
                nn.AvgPool2d(2),
                nn.Flatten(),
                nn.Dropout(0.2, rng=rng),
                nn.Linear(6, 3, rng=rng),
            ),
            nn.CrossEntropyLoss(),
            OPTIMIZERS["Adam"],
            generators=[rng],
        )

    batches = [(floats(8, 1, 8, 8, seed=k), RNG(k).integers(0, 3, 8)) for k in range(4)]
    assert_equal_steps(build, batches)


def test_words_through_a_whole_network():
    class Words(nn.Module):
        def __init__(self, rng):
            self.words = nn.Embedding(9, 12, rng=rng)
            self.norm, self.end = nn.LayerNorm(12), nn.Linear(16, 3, rng=rng)
            self.drop = nn.Dropout(0.2, rng=rng)

        def forward(self, x):
            x = self.norm(self.words(x))
            return self.end(self.drop(attention(x).flatten(1)))

    def build():
        rng = RNG(0)
        return training(Words(rng), nn.CrossEntropyLoss(), OPTIMIZERS["AdamW"], generators=[rng])

    assert_equal_steps(build, [(RNG(k).integers(0, 9, (5, 4)), RNG(k).integers(0, 3, 5)) for k in range(4)])
