"""The channels a network sees, made from one grey channel in [0, 1].

To add a preprocessing: write a function of the grey channel and name it in ``CHANNELS``.
"""

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Float
from numpy import ndarray

Channels = Callable[[Float[ndarray, "y x"]], Float[ndarray, "channel y x"]]


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


CHANNELS: dict[str, Channels] = {
    "standardised": standardised,
    "grey-eq-inv": grey_equalised_inverted,
    "grey-inv-eq": grey_inverted_equalised,
}
CHANNEL_COUNT: dict[str, int] = {"standardised": 1, "grey-eq-inv": 3, "grey-inv-eq": 3}
