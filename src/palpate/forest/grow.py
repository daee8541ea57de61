"""Trees grown by scikit-learn on a pool of Haar features, taken out as plain arrays."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.errors import PalpateError
from palpate.forest.forest import Forest
from palpate.forest.haar import HaarFeatures
from palpate.forest.settings import TreeSettings


def grow_forest(
    values: Float[ndarray, "sample feature"],
    features: HaarFeatures,
    displacements: Float[ndarray, "sample target 2"],
    settings: TreeSettings,
    rng: np.random.Generator,
) -> Forest:
    """Grow extremely randomised trees that predict displacements from features.

    Each node tries some features with one random threshold each and takes what leaves the least
    variance. Every tree sees all samples; features and thresholds make the trees differ.

    Args:
        values: float32.
        features: what the columns of ``values`` are.
        displacements: to each target, in px.
        settings: number and size of the trees.
        rng: where chance comes from.

    Raises:
        PalpateError: scikit-learn is not installed.

    Source:
        Geurts, Ernst and Wehenkel, "Extremely randomized trees", Machine Learning 63:3-42, 2006.
    """
    try:
        from sklearn.tree import ExtraTreeRegressor  # type: ignore[import-untyped]
    except ImportError as error:
        raise PalpateError(
            "growing forests needs scikit-learn; install it with pip install 'palpate[train]'"
        ) from error
    targets = displacements.reshape(len(displacements), -1)
    grown = []
    for seed in rng.integers(0, 2**31, settings.trees).tolist():
        tree = ExtraTreeRegressor(
            max_depth=settings.depth,
            max_features=min(settings.tries, len(features)),
            min_samples_leaf=settings.min_leaf,
            random_state=seed,
        )
        grown.append(_Grown.of(tree.fit(values, targets).tree_))
    return _joined(grown, features)


@dataclass(frozen=True, eq=False, slots=True)
class _Grown:
    """One tree in the order of a forest: a right child comes next after the left."""

    column: Int[ndarray, " node"]
    threshold: Float[ndarray, " node"]
    left: Int[ndarray, " node"]
    mean: Float[ndarray, "node value"]
    spread: Float[ndarray, " node"]
    depth: int

    @classmethod
    def of(cls, tree: Any) -> "_Grown":
        """Take the arrays out of scikit-learn's tree and put them in order, top down."""
        # scikit-learn's 'long long' is numpy's int64 by another name.
        right, left, feature = (
            each.astype(np.int64)
            for each in (tree.children_right, tree.children_left, tree.feature)
        )
        layers = [np.array([0])]
        while True:
            inner = layers[-1][left[layers[-1]] >= 0]
            if not len(inner):
                break
            layers.append(np.stack([left[inner], right[inner]], axis=1).ravel())
        order = np.concatenate(layers)
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        leaf = left[order] < 0
        # scikit-learn sends values up to a float64 threshold left; here both are float32.
        threshold = _not_above(tree.threshold[order])
        return cls(
            np.where(leaf, 0, feature[order]),
            np.where(leaf, np.float32(np.inf), threshold),
            np.where(leaf, np.arange(len(order)), rank[left[order]]),
            tree.value[order, :, 0],
            np.maximum(tree.impurity[order], 0.0),
            len(layers) - 1,
        )


def _not_above(threshold: Float[ndarray, " node"]) -> Float[ndarray, " node"]:
    """Largest float32 that is no larger: it parts float32 values alike."""
    single = threshold.astype(np.float32)
    above = single.astype(np.float64) > threshold
    return np.where(above, np.nextafter(single, np.float32(-np.inf)), single)


def _joined(grown: list[_Grown], features: HaarFeatures) -> Forest:
    lengths = np.array([len(tree.column) for tree in grown])
    roots = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    mean = np.concatenate([tree.mean for tree in grown])
    return Forest(
        features[np.concatenate([tree.column for tree in grown])],
        np.concatenate([tree.threshold for tree in grown]).astype(np.float32),
        np.concatenate(
            [tree.left + root for tree, root in zip(grown, roots.tolist(), strict=True)]
        ),
        roots,
        mean.reshape(len(mean), -1, 2).astype(np.float32),
        np.concatenate([tree.spread for tree in grown]).astype(np.float32),
        max(tree.depth for tree in grown),
    )
