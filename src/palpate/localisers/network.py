"""A network and a codec that find landmarks: every kind of network localiser is this class."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.affine import Affine
from palpate.augment.channels import CHANNELS
from palpate.augment.resample import Prepared, fit, prepare, resample, unit
from palpate.augment.warp import RandomWarp
from palpate.errors import GeometryError
from palpate.image import Image
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
    """

    spec: LocaliserSpec
    forward: Forward
    weights: str

    @property
    def scheme(self) -> LandmarkScheme:
        """The landmarks it finds."""
        return self.spec.scheme

    @property
    def made_by(self) -> str:
        """Name and hash, as predictions carry them."""
        return f"{self.spec.name} {self.weights}"

    def predict(self, image: Image) -> Prediction:
        """Find the landmarks of one image; in pixels of the image as given.

        Raises:
            GeometryError: the image is not a plane of pixels.
        """
        return self.predict_prepared(*self.load(image))

    def load(self, image: Image) -> tuple[Prepared, tuple[int, int]]:
        """Reduce an image to what the network needs: this part needs no network."""
        if image.axes != "yx":
            raise GeometryError(
                f"image {image.identifier!r} has axes {image.axes}; this localiser reads single "
                "planes (yx)"
            )
        return prepare(image, self.spec.grid), (image.size[0], image.size[1])

    def predict_prepared(self, prepared: Prepared, size: tuple[int, int]) -> Prediction:
        """Run the network on every view of a prepared image of ``size`` and join the views."""
        views = self._views(size)
        inputs = np.stack([self._input(prepared, view) for view in views])
        outputs = self.forward(inputs)
        found = [self._decode(out, view) for out, view in zip(outputs, views, strict=True)]
        return self._join(found)

    def _views(self, size: tuple[int, int]) -> list[Affine]:
        spec, grid = self.spec, self.spec.grid
        plain = fit(size, grid)
        views = [plain]
        if spec.views.both_orders:
            views.append(_mirror(grid) @ plain)
        warp = RandomWarp(rotation_deg=spec.views.rotation_deg, scale=spec.views.scale)
        for index in range(1, spec.views.count):
            rng = np.random.default_rng([_VIEW_SEED, index])
            views.append(warp.draw(rng, grid) @ plain)
        return views

    def _input(self, prepared: Prepared, view: Affine) -> Float[ndarray, "channel y x"]:
        name = self.spec.channels
        if view.mirrors and self.spec.mirrored_channels:
            name = self.spec.mirrored_channels
        return CHANNELS[name](unit(resample(prepared, view, self.spec.grid)))

    def _decode(self, output: ndarray, view: Affine) -> Prediction:
        decoded = self.spec.codec.decode(output)
        mean, covariance, score = decoded.mean, decoded.covariance, decoded.score
        if view.mirrors:
            order = self.scheme.mirror_order()
            mean, covariance, score = mean[order], covariance[order], score[order]
        on_grid = Prediction(self.scheme, mean, covariance, score, self.made_by, "grid")
        return on_grid.moved(view.inverse())

    def _join(self, views: list[Prediction]) -> Prediction:
        means = np.stack([view.mean for view in views])
        mean = means.mean(axis=0)
        apart = means - mean
        spread = np.einsum("vki,vkj->kij", apart, apart) / len(views)
        covariance = np.mean([view.covariance for view in views], axis=0) + spread
        covariance = covariance * (self.spec.variance_factor or 1.0)
        score = np.mean([view.score for view in views], axis=0)
        return Prediction(self.scheme, mean, covariance, score, self.made_by, "pixel")


def _mirror(grid: tuple[int, int]) -> Affine:
    matrix = np.diag([-1.0, 1.0, 1.0])
    matrix[0, 2] = grid[0] - 1
    return Affine(matrix, "grid", "grid")
