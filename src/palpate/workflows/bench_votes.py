"""What ``palpate bench`` measures of votes: 58 landmarks on 224 x 224 pixels."""

from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from palpate.codecs import DisplacementCodec
from palpate.localisers.torch_engine import place, torch_forward
from palpate.networks import NETWORKS
from palpate.vote import accumulate
from palpate.workflows.timing import interleaved

_LANDMARKS = 58
_SIDE = 224
_REACH_PX = 20.0


def bench_votes(repeats: int) -> list[dict[str, Any]]:
    """Time a plain accumulator, ours, the whole reading, and the network that puts votes out."""
    planes = _planes()
    positions = _positions(planes)
    torch.manual_seed(0)
    network = place(NETWORKS["average-unet"].build(1, _LANDMARKS).eval(), torch.device("cpu"))
    forward = torch_forward(network, torch.device("cpu"))
    image = np.random.default_rng(0).random((1, 1, _SIDE, _SIDE), np.float32)
    codec = DisplacementCodec((_SIDE, _SIDE), sigma_px=5.0, reach_px=_REACH_PX, smooth_px=4.0)
    times = interleaved(
        {
            "network": partial(forward, image),
            "plain": partial(_plain, positions),
            "accumulate": partial(_ours, positions),
            "reading": partial(codec.decode, planes),
        },
        repeats,
    )
    votes = positions.shape[0] * positions.shape[1]
    return [
        {
            "what": what,
            "milliseconds": times[key] * 1e3,
            "million votes a second": votes / times[key] / 1e6,
            "times np.add.at": times["plain"] / times[key],
            "share of the network's time": times[key] / times["network"],
        }
        for what, key in (
            ("every vote, np.add.at", "plain"),
            ("every vote, palpate.vote.accumulate", "accumulate"),
            ("landmarks read from the planes, votes that can matter", "reading"),
        )
    ]


def _planes() -> Float[ndarray, "landmark 3 y x"]:
    """Planes as a trained network gives them: ideal ones and some noise."""
    rng = np.random.default_rng(0)
    points = rng.uniform(30, _SIDE - 30, (_LANDMARKS, 2))
    codec = DisplacementCodec((_SIDE, _SIDE), sigma_px=5.0, reach_px=_REACH_PX, smooth_px=4.0)
    ideal = codec.encode(points, np.ones(_LANDMARKS, dtype=bool))
    noise = rng.normal(0, 1, ideal.shape) * np.array([1.0, 1.0, 0.01])[:, None, None]
    return (ideal + noise).astype(np.float32)


def _positions(planes: Float[ndarray, "landmark 3 y x"]) -> Float[ndarray, "landmark vote 2"]:
    y, x = np.indices(planes.shape[-2:], dtype=np.float32)
    return np.stack([x - planes[:, 0], y - planes[:, 1]], axis=-1).reshape(len(planes), -1, 2)


def _ours(positions: Float[ndarray, "landmark vote 2"]) -> list[ndarray]:
    return [accumulate(votes, size=(_SIDE, _SIDE)) for votes in positions]


def _plain(positions: Float[ndarray, "landmark vote 2"]) -> list[ndarray]:
    """The four pixels around each vote, one corner after the other, all votes of a map at once."""
    maps = []
    for votes in positions:
        pad = int(_REACH_PX) + 8  # some noise beyond the reach falls outside the map
        wide = np.zeros((_SIDE + 2 * pad, _SIDE + 2 * pad))
        whole = np.floor(votes).astype(int)
        rest = votes - whole
        for right in (0, 1):
            for down in (0, 1):
                share = np.abs(1 - right - rest[:, 0]) * np.abs(1 - down - rest[:, 1])
                np.add.at(wide, (whole[:, 1] + down + pad, whole[:, 0] + right + pad), share)
        maps.append(wide[pad:-pad, pad:-pad])
    return maps
