"""Layers that several of the published networks share."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from palpate.networks.spec import refuse_wrong_size

# Keras' default, which the published models were trained with. Its momentum (0.99) is
# not copied: running statistics that need a thousand steps to settle would still be
# those of the first batch when a small study has been trained. Ours is torch's 0.1.
KERAS_EPSILON = 1e-3


def conv_relu_norm(channels_in: int, filters: int, *, stride: int = 1) -> nn.Sequential:
    """A 3x3 convolution, ReLU, then batch normalisation, in the order of Fard et al. 2022."""
    return nn.Sequential(
        nn.Conv2d(channels_in, filters, 3, stride=stride, padding=1),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(filters, eps=KERAS_EPSILON),
    )


def deconv_relu_norm(channels_in: int, filters: int, *, kernel: int) -> nn.Sequential:
    """A deconvolution that doubles both sides, ReLU, then batch normalisation.

    Args:
        channels_in: channels of the input.
        filters: channels of the output.
        kernel: 2 or 3; with 3 the last row and column are padded, as Keras' 'same' is.
    """
    pad = kernel - 2
    return nn.Sequential(
        nn.ConvTranspose2d(channels_in, filters, kernel, stride=2, padding=pad, output_padding=pad),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(filters, eps=KERAS_EPSILON),
    )


class SizeGate(nn.Module):
    """Passes an image on, if both its sides are divisible by ``multiple``.

    Raises:
        GeometryError: from the call, saying which size to pad to.
    """

    def __init__(self, multiple: int) -> None:
        super().__init__()
        self.multiple = multiple

    def forward(self, image: Float[Tensor, "batch channel y x"]) -> Tensor:
        """Return the image itself."""
        # An exporter's sides may be symbols: it must not bake a check into the graph.
        if not torch.compiler.is_compiling():
            refuse_wrong_size(image.shape[-2], image.shape[-1], multiple=self.multiple)
        return image


def start_as_keras(network: nn.Module) -> None:
    """Draw every weight anew the way Keras does: Glorot uniform, biases zero.

    In place, from torch's global random state. The published networks were trained from
    this start (or from ImageNet weights, which are not ours to ship).

    Source:
        Glorot and Bengio, "Understanding the difficulty of training deep feedforward
        neural networks", AISTATS 2010, eq. 16.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
