"""A network and a codec that find landmarks: every kind of network localiser is this class."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.affine import Affine
from palpate.augment.channels import CHANNELS
from palpate.augment.resample import Prepared, prepare, resample, unit
from palpate.augment.warp import RandomWarp
from palpate.errors import GeometryError
from palpate.image import Image
from palpate.localisers.mixture import mix
from palpate.localisers.spec import LocaliserSpec
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme

# (batch, channel, y, x) float32 -> (batch, landmark, ...) float32
Forward = Callable[[ndarray], ndarray]

_VIEW_SEED = 20150413  # fixed: the same image gives the same views, hence the same prediction


@dataclass(frozen=True, eq=False, slots=True)
class NetworkLocaliser:
    """Fits an image into the grid, runs the network, decodes, maps back.

    Args:
        spec: what the network expects and how its output is read.
        forward: the network, on whatever engine.
        weights: short hash of its weights, for provenance.
        one_thread: the engine keeps to the thread that calls it, so that several may call.
        channels_last: the engine likes the channels of a pixel side by side in memory. Colour
            comes from files so; else it is turned round twice on its way.
    """

    spec: LocaliserSpec
    forward: Forward
    weights: str
    one_thread: bool = False
    channels_last: bool = False

    @property
    def scheme(self) -> LandmarkScheme:
        """The landmarks it finds."""
        return self.spec.scheme

    @property
    def name(self) -> str:
        """Recipe and study it was made from."""
        return self.spec.name

    @property
    def protocol(self) -> str:
        """Protocol of the study it was made from; may be empty."""
        return self.spec.protocol

    @property
    def variance_factor(self) -> float | None:
        """What covariances are multiplied with."""
        return self.spec.variance_factor

    @property
    def made_by(self) -> str:
        """Name and hash, as predictions carry them."""
        return f"{self.name} {self.weights}"

    def predict(self, image: Image) -> Prediction:
        """Find the landmarks of one image; in pixels of the image as given.

        Raises:
            GeometryError: the image is not a plane of pixels.
        """
        return self.predict_prepared(self.load(image))

    def load(self, image: Image, *, view: Affine | None = None) -> Prepared:
        """Reduce an image to what the network needs: this part needs no network.

        Args:
            image: a plane.
            view: pixels of the image -> grid; None fits the image's region into the grid.

        Raises:
            GeometryError: the image is not a plane, or nothing of it is in the view.
        """
        if image.axes != "yx":
            raise GeometryError(
                f"image {image.identifier!r} has axes {image.axes}; this localiser reads single "
                "planes (yx)"
            )
        colour = CHANNELS[self.spec.channels].colour
        return prepare(image, self.spec.grid, colour=colour, view=view)

    def predict_prepared(self, prepared: Prepared) -> Prediction:
        """Run the network on every view of a prepared image and join the views."""
        return self.read(prepared, self.forward(self.inputs(prepared)))

    def inputs(self, *prepared: Prepared) -> Float[ndarray, "input channel y x"]:
        """Make what the network is given of prepared images: one input a view, image by image."""
        asked = [(one, view) for one in prepared for view in self._views(one.to_grid)]
        across, down = self.spec.grid
        count = CHANNELS[self.spec.channels].count
        if self.channels_last:
            inputs = np.empty((len(asked), down, across, count), np.float32).transpose(0, 3, 1, 2)
        else:
            inputs = np.empty((len(asked), count, down, across), np.float32)
        for out, (one, view) in zip(inputs, asked, strict=True):
            self._fill(out, one, view)
        return inputs

    def read(self, prepared: Prepared, outputs: Float[ndarray, "view landmark ..."]) -> Prediction:
        """Read what the network put out for :meth:`inputs`: decode, map back, join the views.

        From several views the prediction has a correlation: what moves landmarks together as the
        image is turned and scaled.
        """
        views = self._views(prepared.to_grid)
        found = [self._decode(out, view) for out, view in zip(outputs, views, strict=True)]
        factor = self.spec.variance_factor
        joined = found[0] if len(found) == 1 else mix(found, localiser=self.made_by)
        if factor is None:
            return joined
        return replace(joined, covariance=joined.covariance * factor, basis="scaled")

    def _views(self, plain: Affine) -> list[Affine]:
        spec, grid = self.spec, self.spec.grid
        views = [plain]
        if spec.views.both_orders:
            views.append(_mirror(grid) @ plain)
        warp = RandomWarp(rotation_deg=spec.views.rotation_deg, scale=spec.views.scale)
        for index in range(1, spec.views.count):
            rng = np.random.default_rng([_VIEW_SEED, index])
            views.append(warp.draw(rng, grid) @ plain)
        return views

    def _fill(self, out: Float[ndarray, "channel y x"], prepared: Prepared, view: Affine) -> None:
        name = self.spec.channels
        if view.mirrors and self.spec.mirrored_channels:
            name = self.spec.mirrored_channels
        channels = CHANNELS[name]
        pixels = resample(prepared, view, self.spec.grid)
        if channels.only_orders:  # then numbers go straight to their place, without a copy between
            unit(channels.make(pixels), out=out)
        else:
            out[:] = channels.make(unit(pixels))

    def _decode(self, output: ndarray, view: Affine) -> Prediction:
        """What one view says, in pixels of the image as given."""
        decoded = self.spec.codec.decode(output)
        back, order = view.inverse(), self._order(view)
        return Prediction(
            self.scheme,
            back(decoded.mean)[order],
            back.covariance(decoded.covariance)[order],
            decoded.score[order],
            self.made_by,
            variation=None if decoded.variation is None else decoded.variation[order],
        )

    def _order(self, view: Affine) -> Int[ndarray, " landmark"]:
        """Which map a landmark is read from: in a mirrored view, that of its mirror image."""
        return self.scheme.mirror_order() if view.mirrors else np.arange(len(self.scheme))


def _mirror(grid: tuple[int, int]) -> Affine:
    matrix = np.diag([-1.0, 1.0, 1.0])
    matrix[0, 2] = grid[0] - 1
    return Affine(matrix, "grid", "grid")
