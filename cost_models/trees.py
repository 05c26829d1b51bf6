"""Trees: gradient boosting of the ratios of ``cost_models.ratios``, by shapes of layers.

Fitted by scikit-learn (HistGradientBoostingRegressor, after G. Ke et al., LightGBM, 2017), kept as flat arrays, and answered
from those without it: large tables by ``cost_models.walk``, small ones by plain NumPy. Not modelled: anything between two
layers that no tree divides; estimates are steps, and have no gradient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from cost_models.errors import CostModelError
from cost_models.features import FEW
from cost_models.packed import as_kept, packed, unpacked
from cost_models.ratios import RatioModel

COLUMNS = (
    "operator", "element_bytes", "input_height", "input_width", "input_channels", "output_height", "output_width",
    "output_channels", "kernel_height", "kernel_width", "stride_height", "stride_width", "dilation_height", "dilation_width",
    "padding_top", "padding_bottom", "padding_left", "padding_right", "groups", "macs", "weight_bytes", "input_bytes",
    "output_bytes", "clamps", "scales", "unfit_channels", "unfit_fours", "constant_channels", "run_bytes",
)  # fmt: skip
"""Columns of the table that trees look at as they are."""

DERIVED = 12
"""Further features: see ``features_of``."""

NODE = np.dtype([("value", np.float64), ("feature", np.int32), ("right", np.int32)])
"""A node of a tree looks at a feature; where that is at most ``value``, its left branch is next, which is right behind it, else
the node ``right``. A leaf looks at no feature (LEAF) and adds ``value``.
"""

LEAF = -1
DIGITS = 5
"""To which values are rounded when trees are fitted, so that a file holds them as they are."""


def features_of(table: np.ndarray, slots: np.ndarray) -> np.ndarray:
    """What trees look at, [rows, features]: COLUMNS, then the kind, rests of channels and rows that loops leave, and products
    and ratios, which trees of few leaves cannot find out.
    """
    row = {name: table[name].astype(np.float64) for name in COLUMNS}
    depth, window = row["input_channels"] / row["groups"], row["kernel_height"] * row["kernel_width"]
    derived = (
        slots, row["input_channels"] % 8, row["output_channels"] % 8, depth % 4, row["output_width"] % 4,
        row["output_height"] * row["output_width"], depth * window, row["macs"] / row["output_bytes"],
        row["macs"] / (1 + row["weight_bytes"]), row["input_bytes"] / row["output_bytes"],
        row["padding_top"] + row["padding_bottom"] + row["padding_left"] + row["padding_right"],
        row["output_channels"] % 4,
    )  # fmt: skip
    return np.stack([*row.values(), *derived], axis=1)


@dataclass(frozen=True, slots=True)
class Forest:
    """``start``, [quantities]: what trees are added to. ``roots``, [quantities, trees]: their first nodes. ``nodes``: array of
    NODE, of all trees.
    """

    start: np.ndarray
    roots: np.ndarray
    nodes: np.ndarray

    def logs(self, table: np.ndarray, slots: np.ndarray) -> np.ndarray:
        """Of each row."""
        seen = features_of(table, slots)
        return self.walked_fast(seen) if len(table) > FEW else self.walked(seen)

    def walked(self, seen: np.ndarray) -> np.ndarray:
        """What the leaves that each row of ``seen`` comes to add up to, [quantities, rows]; the slow twin."""
        rows = np.arange(len(seen))[:, None]
        made = np.repeat(self.start[:, None], len(seen), axis=1)
        for place, roots in enumerate(self.roots):
            places = np.repeat(roots[None], len(seen), axis=0)
            while (inner := (node := self.nodes[places])["feature"] != LEAF).any():
                left = seen[rows, node["feature"]] <= node["value"]
                places = np.where(inner, np.where(left, places + 1, node["right"]), places)
            made[place] += node["value"].sum(axis=1)
        return made

    def walked_fast(self, seen: np.ndarray) -> np.ndarray:
        """The same, compiled."""
        from cost_models import walk

        made = np.repeat(self.start[:, None], len(seen), axis=1)
        walk.add(seen, self.roots, self.nodes, made)
        return made

    def plain(self) -> dict[str, Any]:
        """Without ``roots`` and ``right``, which follow."""
        return {
            "start": self.start.tolist(), "trees": self.roots.shape[1], "features": packed(self.nodes["feature"]),
            "values": packed(self.nodes["value"], DIGITS),
        }  # fmt: skip


def planted(start: Sequence[float], trees: int, features: np.ndarray, values: np.ndarray) -> Forest:
    """The forest of nodes that lie one behind the other. ValueError where they are not so many whole trees."""
    right, roots, waiting = np.zeros(len(features), np.int32), list[int](), list[int]()
    for node, (feature, before) in enumerate(zip(features, (LEAF, *features), strict=False)):
        if before == LEAF and waiting:
            right[waiting.pop()] = node
        elif before == LEAF:
            roots.append(node)
        if feature != LEAF:
            waiting.append(node)
    if waiting or len(roots) != trees * len(start):
        raise ValueError(f"{len(roots)} trees, {len(waiting)} nodes without a branch; expected {trees * len(start)} trees")
    nodes = np.zeros(len(features), NODE)
    nodes["value"], nodes["feature"], nodes["right"] = values, features, right
    return Forest(np.array(start, np.float64), np.array(roots, np.int64).reshape(len(start), trees), nodes)


class Trees(RatioModel):
    """``trees`` of at most ``leaves`` each, each of which holds ``least_rows`` layers; ``rate``: how much of what is left each
    tree takes; ``ridge``: what holds leaves to 0.
    """

    name: ClassVar[str] = "trees"

    def __init__(
        self, trees: int = 200, leaves: int = 31, rate: float = 0.1, least_rows: int = 3, ridge: float = 1.0, seed: int = 0
    ) -> None:
        super().__init__()
        self.trees = trees
        self.leaves = leaves
        self.rate = rate
        self.least_rows = least_rows
        self.ridge = ridge
        self.seed = seed

    def learn(self, table: np.ndarray, slots: np.ndarray, logs: np.ndarray, kinds: int) -> Forest:
        """Trees of each quantity. CostModelError where scikit-learn is missing."""
        del kinds
        if not len(table):
            return planted([0.0] * len(logs), 0, np.zeros(0, np.int64), np.zeros(0))
        boosted = [self.boosted(features_of(table, slots), each) for each in logs]
        nodes = [_nodes(predictor.nodes) for each in boosted for (predictor,) in each._predictors]
        features, values = (np.concatenate([pair[place] for pair in nodes]) for place in range(2))
        start = [float(each._baseline_prediction.item()) for each in boosted]
        return planted(start, self.trees, features, as_kept(values, DIGITS))

    def boosted(self, seen: np.ndarray, logs: np.ndarray) -> Any:
        """scikit-learn's regressor, fitted; the same each time."""
        try:
            from sklearn.ensemble import HistGradientBoostingRegressor
            from threadpoolctl import threadpool_limits
        except ImportError:
            raise CostModelError("scikit-learn fits trees and is not installed: pip install mcusim[trees]") from None
        model = HistGradientBoostingRegressor(
            max_iter=self.trees, max_leaf_nodes=self.leaves, learning_rate=self.rate, min_samples_leaf=self.least_rows,
            l2_regularization=self.ridge, early_stopping=False, random_state=self.seed,
        )  # fmt: skip
        with threadpool_limits(1):  # tables are small, and more threads wait for each other and for those of numba
            return model.fit(seen, logs)

    @classmethod
    def read_ratios(cls, plain: Mapping[str, Any], quantities: int, kinds: int) -> Forest:
        """The forest that ``Forest.plain`` wrote. ValueError where nodes are none, or look at what there is not."""
        del kinds
        features, start = unpacked(plain["features"], -1).astype(np.int64), plain["start"]
        if len(start) != quantities or ((features < LEAF) | (features >= len(COLUMNS) + DERIVED)).any():
            raise ValueError(f"trees of {len(start)} quantities and features {set(features.tolist())}")
        return planted(start, int(plain["trees"]), features, unpacked(plain["values"], len(features)))


def _nodes(nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features and values of scikit-learn's nodes, the left branch of each right behind it."""
    order, waiting = [], [0]
    while waiting:
        node = waiting.pop()
        order.append(node)
        if not nodes["is_leaf"][node]:
            waiting += [nodes["right"][node], nodes["left"][node]]
    ordered = nodes[order]
    leaf = ordered["is_leaf"] != 0
    features = np.where(leaf, LEAF, ordered["feature_idx"].astype(np.int64))
    return features, np.where(leaf, ordered["value"], ordered["num_threshold"])
