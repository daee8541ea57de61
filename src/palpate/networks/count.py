"""How large a network is and how much work one image costs it.

Four counts, because papers mean four things: the weights that are learned, the weights
as Keras' summary prints them, the multiply-accumulates, and the 'FLOPs' of TensorFlow's
profiler.
"""

import copy
from collections.abc import Callable
from math import prod

import torch
from torch import Tensor, nn

Cost = Callable[[nn.Module, Tensor, Tensor], int]


def parameters(network: nn.Module) -> int:
    """Number of learned weights.

    Example:
        >>> parameters(nn.Sequential(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8)))
        48
    """
    return sum(weight.numel() for weight in network.parameters())


def parameters_keras(network: nn.Module) -> int:
    """Number of weights as Keras counts them: batch normalisation has four a channel.

    Its running mean and variance are counted, although no gradient reaches them.

    Example:
        >>> parameters_keras(nn.Sequential(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8)))
        64
    """
    running = sum(b.numel() for b in network.buffers() if b.is_floating_point())
    return parameters(network) + running


def multiply_accumulates(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """Multiply-accumulates of convolutions, deconvolutions and dense layers for one image.

    ``input_shape`` is (channels, y, x), or (channels, t, y, x) of a clip. Biases, normalisation,
    activations and pooling are not counted. A deconvolution is counted at its input: each pixel
    is multiplied with the whole kernel once. What lies beyond the border counts as if it were
    multiplied. Nothing is computed: the network runs on the meta device.

    Example:
        >>> multiply_accumulates(nn.Conv2d(3, 8, 3, padding=1), (3, 10, 20))
        43200
        >>> multiply_accumulates(nn.Conv3d(3, 8, 3, padding=1), (3, 5, 10, 20))
        648000
    """
    return _total(network, input_shape, _multiply_accumulates)


def flops_tensorflow(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """Half of the float operations that TensorFlow's profiler reports for one image.

    The profiler counts two operations for each multiply-accumulate, one for each bias
    added and one for each value a max-pool looks at; normalisation, ReLU, sums and means
    are free. Halved, this is what some papers print as FLOPs, and it gives the three
    numbers of Fard et al. 2022, table 6, to the last digit.

    Example:
        >>> flops_tensorflow(nn.Conv2d(3, 8, 3, padding=1), (3, 10, 20))
        44000
    """
    doubled = _total(network, input_shape, _profiled)
    return doubled // 2


def _total(network: nn.Module, input_shape: tuple[int, ...], cost: Cost) -> int:
    """Sum a cost over the leaves of a network, each as often as it is called."""
    ghost = copy.deepcopy(network).to("meta").eval()
    counts: list[int] = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        counts.append(cost(module, inputs[0], output))

    for module in ghost.modules():
        if not any(True for _ in module.children()):
            module.register_forward_hook(note)
    with torch.no_grad():
        ghost(torch.empty(1, *input_shape, device="meta"))
    return sum(counts)


def _multiply_accumulates(module: nn.Module, image: Tensor, output: Tensor) -> int:
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return output.numel() * prod(module.kernel_size) * (module.in_channels // module.groups)
    if isinstance(module, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d):
        return image.numel() * prod(module.kernel_size) * (module.out_channels // module.groups)
    if isinstance(module, nn.Linear):
        return output.numel() * module.in_features
    return 0


def _profiled(module: nn.Module, image: Tensor, output: Tensor) -> int:
    work = 2 * _multiply_accumulates(module, image, output)
    if work and getattr(module, "bias", None) is not None:
        work += output.numel()
    if isinstance(module, nn.MaxPool2d):
        # kernel_size may be one number for both sides
        kernel = module.kernel_size
        work += output.numel() * (kernel**2 if isinstance(kernel, int) else prod(kernel))
    return work
