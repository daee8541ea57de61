"""One map per joint and one per connection: what networks for limbs are taught.

``palpate.linking.link`` reads such maps. The cells of a map are ``stride`` grid pixels wide: the
centre of cell i is at ``(i + 1/2) * stride - 1/2``.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from palpate.errors import ConfigError, GeometryError, SchemeError
from palpate.linking.limbs import ends_of
from palpate.scheme import LandmarkScheme

_FAR = 6.0  # standard deviations; what is less than 1e-8 is cut, or tiny numbers cost much time
_HAIR = 1e-3  # px; a cell that lies on the very border of a region is inside, however it rounds


@dataclass(frozen=True, slots=True)
class LimbMaps:
    """Maps of joints, in the scheme's order, and then of connections, as in ``scheme.edges``.

    Regions are those of the papers: a disc of radius r about a joint; a rectangle of thickness r
    along a connection, from joint to joint. A connection that is seen shorter than r, of a limb
    that points at the camera, has a square of side r about its middle, so that it has a map at
    all. Maps of absent joints, and of connections that end in one, are empty. What lies outside
    the grid is cut.

    Args:
        grid: size (x, y) of the network's input, multiples of ``stride``.
        scheme: names of the joints; its edges are the connections.
        radius_px: r, in grid px; 6 at 128 x 96 in the paper.
        stride: grid px per cell.

    Raises:
        ConfigError: a grid that the stride does not divide, or a radius that no cell fits into.
        SchemeError: a scheme in space, or one that connects a joint with itself or twice.

    Source:
        Migliorelli et al., "Asymmetric three-dimensional convolutions for preterm infants' pose
        estimation", section II-A; after Moccia et al., IEEE TBME 67(8):2370, 2020.

    Example:
        >>> arm = LandmarkScheme("arm", ("a", "b", "c"), edges=(("a", "b"), ("b", "c")))
        >>> codec = LimbMaps((32, 24), arm, radius_px=3.0)
        >>> points = np.array([[4.0, 12.0], [14.0, 12.0], [0.0, 0.0]])
        >>> maps = codec.masks(points, np.array([True, True, False]))
        >>> maps.shape, maps.sum(axis=(1, 2)).tolist()
        ((5, 24, 32), [29.0, 29.0, 0.0, 33.0, 0.0])
    """

    grid: tuple[int, int]
    scheme: LandmarkScheme
    radius_px: float = 6.0
    stride: int = 1

    def __post_init__(self) -> None:
        if self.stride < 1 or self.grid[0] % self.stride or self.grid[1] % self.stride:
            raise ConfigError(
                f"a grid of {self.grid[0]} x {self.grid[1]} cannot be cut into cells of "
                f"{self.stride} px; use multiples of {self.stride}"
            )
        if min(self.grid) < 1:
            raise ConfigError(f"a grid has at least one px, got {self.grid[0]} x {self.grid[1]}")
        if not self.stride <= self.radius_px < np.inf:
            raise ConfigError(
                f"radius_px = {self.radius_px} is less than a cell of {self.stride} px: joints "
                "would fall between cells; use a larger radius or a smaller stride"
            )
        if self.scheme.dimension != 2:
            raise SchemeError(f"maps are of landmarks in a plane; {self.scheme.name!r} has three")
        ends_of(self.scheme)

    @property
    def count(self) -> int:
        """How many maps there are: joints and connections."""
        return len(self.scheme) + len(self.scheme.edges)

    @property
    def shape(self) -> tuple[int, int]:
        """Size of a map as (y, x)."""
        return self.grid[1] // self.stride, self.grid[0] // self.stride

    def mirror_order(self) -> Int[ndarray, " map"]:
        """Return the map that each map takes its values from in a mirrored image.

        Raises:
            SchemeError: a connection has no mirror image.
        """
        joints = self.scheme.mirror_order()
        rows = {frozenset(pair): row for row, pair in enumerate(ends_of(self.scheme).tolist())}
        order = list(joints)
        for (first, second), edge in zip(ends_of(self.scheme), self.scheme.edges, strict=True):
            image = frozenset((int(joints[first]), int(joints[second])))
            if image not in rows:
                raise SchemeError(
                    f"scheme {self.scheme.name!r}: the connection of {edge[0]!r} and {edge[1]!r} "
                    "has no mirror image; connect the mirrored joints too"
                )
            order.append(len(joints) + rows[image])
        return np.array(order)

    def masks(
        self, points: Float[ndarray, "joint 2"], present: Bool[ndarray, " joint"]
    ) -> Float[ndarray, "map y x"]:
        """Draw binary maps, float32: 1 inside of a region and 0 outside.

        Args:
            points: (x, y) in grid px.
            present: which joints there are; the coordinates of others do not matter.

        Raises:
            GeometryError: not one point per joint, or a present one without coordinates.
        """
        maps, joints, connections = self._empty()
        points, linked = self._checked(points, present)
        np.less_equal(self._square(points), self._reach(self.radius_px) ** 2, out=joints)
        along, across, half = self._beside(points)
        half = np.maximum(half, np.float32(self.radius_px / 2))
        connections[:] = self._rectangle(along, across, half)
        joints[~present], connections[~linked] = 0.0, 0.0
        return maps

    def bumps(
        self, points: Float[ndarray, "joint 2"], present: Bool[ndarray, " joint"]
    ) -> Float[ndarray, "map y x"]:
        """Draw the same regions filled with a Gaussian of standard deviation 3 r, float32.

        Of a joint it falls with the distance from it: to 0.95 at the border of the disc. Of a
        connection it falls 'along the connection's direction' from its middle, to 0.71 at the
        ends of one of 5 r, and is constant across it.

        Args and errors as of ``masks``.
        """
        maps, joints, connections = self._empty()
        points, linked = self._checked(points, present)
        np.less_equal(self._square(points), self._reach(self.radius_px) ** 2, out=joints)
        joints *= self._bell(points, 3 * self.radius_px)
        along, across, half = self._beside(points)
        half = np.maximum(half, np.float32(self.radius_px / 2))
        inside = self._rectangle(along, across, half)
        along *= np.float32(1 / (3 * self.radius_px))
        np.multiply(_gaussian(np.square(along, out=along)), inside, out=connections)
        joints[~present], connections[~linked] = 0.0, 0.0
        return maps

    def sharp(
        self,
        points: Float[ndarray, "joint 2"],
        present: Bool[ndarray, " joint"],
        sigma_px: float,
    ) -> Float[ndarray, "map y x"]:
        """Draw Gaussians that no border cuts, about joints and about connections, float32.

        Of a joint the peak is 1 where the joint is, between the pixels; of a connection the ridge
        is 1 from joint to joint, and falls with the distance from the segment.

        Args:
            points: as of ``masks``.
            present: as of ``masks``.
            sigma_px: standard deviation in grid px, at least ``stride``, or the bump aliases.

        Raises:
            ConfigError: a bump narrower than a cell.
            GeometryError: as of ``masks``.
        """
        if not self.stride <= sigma_px < np.inf:
            raise ConfigError(
                f"sigma_px = {sigma_px} is narrower than a cell of {self.stride} px: the bump "
                f"aliases and linking is biased; use at least {self.stride}"
            )
        maps, joints, connections = self._empty()
        points, linked = self._checked(points, present)
        joints[:] = self._bell(points, sigma_px)
        along, across, half = self._beside(points)
        beyond = np.maximum(np.abs(along, out=along) - half, 0.0)
        square = np.square(beyond, out=beyond) + np.square(across, out=across)
        square *= np.float32(1 / sigma_px**2)
        connections[:] = _gaussian(square)
        joints[~present], connections[~linked] = 0.0, 0.0
        return maps

    def _empty(
        self,
    ) -> tuple[
        Float[ndarray, "map y x"], Float[ndarray, "joint y x"], Float[ndarray, "connection y x"]
    ]:
        """All maps, those of joints, and those of connections: the latter two are views."""
        maps = np.empty((self.count, *self.shape), np.float32)
        return maps, maps[: len(self.scheme)], maps[len(self.scheme) :]

    def _checked(
        self, points: Float[ndarray, "n 2"], present: Bool[ndarray, " m"]
    ) -> tuple[Float[ndarray, "joint 2"], Bool[ndarray, " connection"]]:
        """Points without NaN, and which connections have both ends."""
        if len(points) != len(self.scheme) or len(present) != len(self.scheme):
            raise GeometryError(
                f"maps of {self.scheme.name!r} need {len(self.scheme)} joints, got {len(points)} "
                f"points and {len(present)} marks of presence"
            )
        points = np.where(present[:, None], points, 0.0)
        if not np.isfinite(points).all():
            lost = int(np.flatnonzero(~np.isfinite(points).all(axis=1))[0])
            raise GeometryError(
                f"{self.scheme.names[lost]!r} is marked as present and has no coordinates; mark "
                "it as absent"
            )
        return points, present[ends_of(self.scheme)].all(axis=1)

    def _reach(self, length: float) -> np.float32:
        return np.float32(length + _HAIR)

    def _offsets(
        self, points: Float[ndarray, "n 2"]
    ) -> tuple[Float[ndarray, "n x"], Float[ndarray, "n y"]]:
        """How far the cells' centres are from points, in grid px, along x and y."""
        height, width = self.shape
        x = (np.arange(width) + 0.5) * self.stride - 0.5 - points[:, :1]
        y = (np.arange(height) + 0.5) * self.stride - 0.5 - points[:, 1:]
        return x, y

    def _square(self, points: Float[ndarray, "n 2"]) -> Float[ndarray, "n y x"]:
        """Square of the distance of every cell from points."""
        x, y = (np.square(offset).astype(np.float32) for offset in self._offsets(points))
        return x[:, None, :] + y[:, :, None]

    def _bell(self, points: Float[ndarray, "n 2"], sigma_px: float) -> Float[ndarray, "n y x"]:
        """Gaussians of peak 1 about points."""
        x, y = (_bell(offset / sigma_px) for offset in self._offsets(points))
        return x[:, None, :] * y[:, :, None]

    def _beside(
        self, points: Float[ndarray, "joint 2"]
    ) -> tuple[
        Float[ndarray, "connection y x"],
        Float[ndarray, "connection y x"],
        Float[ndarray, "connection 1 1"],
    ]:
        """Where cells lie along and across each connection, from its middle; half its length."""
        first, second = points[ends_of(self.scheme)].transpose(1, 0, 2)
        span = second - first
        length = np.hypot(span[:, :1], span[:, 1:])
        # A connection without length has no direction: any is as good.
        unit = np.where(length > 0, span / np.maximum(length, 1e-12), np.array([1.0, 0.0]))
        x, y = self._offsets((first + second) / 2)
        along = _plane(x * unit[:, :1], y * unit[:, 1:])
        across = _plane(x * -unit[:, 1:], y * unit[:, :1])
        return along, across, (length / 2).astype(np.float32)[:, :, None]

    def _rectangle(
        self,
        along: Float[ndarray, "connection y x"],
        across: Float[ndarray, "connection y x"],
        half: Float[ndarray, "connection 1 1"],
    ) -> Bool[ndarray, "connection y x"]:
        """Which cells are in rectangles of thickness r."""
        inside = np.abs(along) <= half + np.float32(_HAIR)
        inside &= np.abs(across) <= self._reach(self.radius_px / 2)
        return inside


def _plane(x: Float[ndarray, "n x"], y: Float[ndarray, "n y"]) -> Float[ndarray, "n y x"]:
    return x.astype(np.float32)[:, None, :] + y.astype(np.float32)[:, :, None]


def _bell(offset: Float[ndarray, "n cell"]) -> Float[ndarray, "n cell"]:
    values = np.exp(-0.5 * np.minimum(np.abs(offset), _FAR) ** 2)
    return np.where(np.abs(offset) < _FAR, values, 0.0).astype(np.float32)


def _gaussian(square: Float[ndarray, "n y x"]) -> Float[ndarray, "n y x"]:
    """exp(-square / 2), in place."""
    far = square >= np.float32(_FAR**2)
    np.minimum(square, np.float32(_FAR**2), out=square)
    square *= np.float32(-0.5)
    np.exp(square, out=square)
    square[far] = 0.0
    return square
