"""What a network is taught and how its output is read: target encoder and decoder as one class.

To add a codec: one class with ``encode`` and ``decode``, one entry in ``CODECS`` and its example
in the contract test. Codecs are numpy, so that predicting does not need torch.
"""

from palpate.codecs.coordinates import CoordinateCodec
from palpate.codecs.displacement import DisplacementCodec
from palpate.codecs.heatmap import HeatmapCodec

CODECS = {
    "heatmap": HeatmapCodec,
    "coordinates": CoordinateCodec,
    "displacement": DisplacementCodec,
}

__all__ = ["CODECS", "CoordinateCodec", "DisplacementCodec", "HeatmapCodec"]
