"""The channels a network sees, made from one grey channel, or from three of colour, in [0, 1].

To add a preprocessing: write a function of the pixels and name it in ``CHANNELS``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray


@dataclass(frozen=True, slots=True)
class Channels:
    """A row of the table ``CHANNELS``.

    Args:
        make: from (y, x), or (y, x, 3) where ``colour``, to (channel, y, x).
        count: how many channels it makes.
        colour: whether it asks for red, green and blue.
        only_orders: whether it only puts channels in order, whatever the numbers mean.
    """

    make: Callable[[Shaped[ndarray, "y x ..."]], Shaped[ndarray, "channel y x"]]
    count: int
    colour: bool = False
    only_orders: bool = False


def standardised(grey: Float[ndarray, "y x"]) -> Float[ndarray, "1 y x"]:
    """Grey with mean 0 and standard deviation 1."""
    mean, deviation = float(grey.mean()), float(grey.std())
    return ((grey - np.float32(mean)) / np.float32(max(deviation, 1e-3)))[None]


def grey_equalised_inverted(grey: Float[ndarray, "y x"]) -> Float[ndarray, "3 y x"]:
    """(grey, equalised, inverted), all in [0, 1].

    Source:
        Fard et al. 2022, section III-C.
    """
    return np.stack([grey, equalised(grey), 1 - grey])


def grey_inverted_equalised(grey: Float[ndarray, "y x"]) -> Float[ndarray, "3 y x"]:
    """(grey, inverted, equalised): the order that the paper gives to mirrored images.

    Source:
        Fard et al. 2022, section III-C.
    """
    return np.stack([grey, 1 - grey, equalised(grey)])


def equalised(grey: Float[ndarray, "y x"]) -> Float[ndarray, "y x"]:
    """Histogram-equalised grey."""
    eight_bit = np.rint(grey * 255).astype(np.uint8)
    return cv2.equalizeHist(eight_bit).astype(np.float32) / np.float32(255)


def red_green_blue(colour: Shaped[ndarray, "y x 3"]) -> Shaped[ndarray, "3 y x"]:
    """(red, green, blue) as a view; what normalises them is a layer of the network."""
    return colour.transpose(2, 0, 1)


CHANNELS: dict[str, Channels] = {
    "standardised": Channels(standardised, 1),
    "grey-eq-inv": Channels(grey_equalised_inverted, 3),
    "grey-inv-eq": Channels(grey_inverted_equalised, 3),
    "rgb": Channels(red_green_blue, 3, colour=True, only_orders=True),
}
