"""A forest as arrays: what was grown, and how many places walk down it at once."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.errors import GeometryError
from palpate.forest.haar import HaarFeatures


@dataclass(frozen=True, eq=False, slots=True)
class Forest:
    """All nodes of all trees, one row each.

    Args:
        features: what each node looks at; of a leaf, anything.
        threshold: (node,) a value above it goes right; infinite for a leaf.
        left: (node,) the left child, the right one is the next row; a leaf is its own.
        roots: (tree,) first node of each tree.
        mean: (node, target, 2) mean displacement in px to each target of the samples there.
        spread: (node,) their variance about it in px^2, mean over targets and axes.
        depth: of the deepest tree.

    Raises:
        GeometryError: rows that do not fit together, or a child outside its forest.
    """

    features: HaarFeatures
    threshold: Float[ndarray, " node"]
    left: Int[ndarray, " node"]
    roots: Int[ndarray, " tree"]
    mean: Float[ndarray, "node target 2"]
    spread: Float[ndarray, " node"]
    depth: int

    def __post_init__(self) -> None:
        n = len(self.threshold)
        if not (len(self.features) == len(self.left) == len(self.mean) == len(self.spread) == n):
            raise GeometryError("the arrays of a forest have different lengths")
        leaf = self.leaf
        if not (
            n
            and len(self.roots)
            and self.roots.min() >= 0
            and self.roots.max() < n
            and (self.left[~leaf] > np.flatnonzero(~leaf)).all()
            and (self.left[~leaf] + 1 < n).all()
        ):
            raise GeometryError("a node of a forest has a child that is not there")
        if not (np.isfinite(self.mean).all() and (self.spread >= 0).all()):
            raise GeometryError("a leaf of a forest holds numbers that are not finite")
        if np.isnan(self.threshold).any() or not np.isinf(self.threshold[leaf]).all():
            raise GeometryError("a threshold of a forest is not a number")

    @property
    def leaf(self) -> ndarray:
        """Which nodes are leaves."""
        return self.left == np.arange(len(self.left))


@dataclass(frozen=True, eq=False, slots=True)
class Walker:
    """A forest made ready for box means of one size of region.

    Args:
        forest: to walk down.
        offsets: (4, node) of ``HaarFeatures.offsets``.
    """

    forest: Forest
    offsets: Int[ndarray, "4 node"]

    @classmethod
    def of(cls, forest: Forest, sizes: Int[ndarray, "size 2"], region: tuple[int, int]) -> "Walker":
        """Make a forest ready.

        Args:
            forest: to walk down.
            sizes: the boxes.
            region: size (x, y) of the regions.
        """
        offsets = forest.features.offsets(sizes, plane=region[0] * region[1], width=region[0])
        return cls(forest, np.where(forest.leaf, 0, offsets))

    def leaves(
        self, flat: Float[ndarray, " value"], base: Int[ndarray, " position"]
    ) -> Int[ndarray, "tree position"]:
        """Return the leaf that each position reaches in each tree.

        All positions go down all trees together, one step of depth at a time; only the features
        that are met are read.

        Args:
            flat: the stack of box means of one region, as one row.
            base: flat index of each position in a plane; its patch lies inside the region.
        """
        forest = self.forest
        a, b, c, d = self.offsets
        node = np.repeat(forest.roots, len(base))
        at = np.tile(base, len(forest.roots))
        for _ in range(forest.depth):
            value = flat.take(a.take(node) + at, mode="clip")
            value -= flat.take(b.take(node) + at, mode="clip")
            value -= flat.take(c.take(node) + at, mode="clip")
            value += flat.take(d.take(node) + at, mode="clip")
            node = forest.left.take(node) + (value > forest.threshold.take(node))
        return node.reshape(len(forest.roots), len(base))
