"""The category tree of a shop, its prices and its names."""

import dataclasses

import numpy as np

from edgedipn_tf.simulation.config import Shop
from edgedipn_tf.simulation.randomness import FloatArray, IntArray, cumulative, generator, pick

_SHOP_NUMBER = 2**64 - 1
"""Of the shop's own random numbers; users have small ones."""


@dataclasses.dataclass(frozen=True)
class Categories:
    """Leaf categories, each with one top category.

    Attributes:
        top_of_leaf: top category of each leaf category, (leaves,).
        popularity: cumulative share of the leaves, (leaves,).
        leaf_price: typical price of a leaf's items, (leaves,).
        leaf_names, top_names, item_names: names in the log; item i of leaf l is number l * items_per_leaf + i.
    """

    top_of_leaf: IntArray
    popularity: FloatArray
    leaf_price: FloatArray
    leaf_names: tuple[str, ...]
    top_names: tuple[str, ...]
    item_names: tuple[str, ...]

    def siblings(self, leaf: int) -> IntArray:
        """Returns the leaves of a leaf's top category, itself included."""
        return np.flatnonzero(self.top_of_leaf == self.top_of_leaf[leaf])


def make_categories(shop: Shop, seed: int) -> Categories:
    """Draws the tree of a seed."""
    random = generator(seed, _SHOP_NUMBER)
    leaves, items = shop.num_leaf_categories, shop.items_per_leaf
    weights = 1.0 / (np.arange(leaves) + shop.popularity_offset)
    random.shuffle(weights)
    return Categories(
        top_of_leaf=np.sort(random.integers(0, shop.num_top_categories, leaves)),
        popularity=cumulative(weights),
        leaf_price=np.exp(random.normal(shop.log_price_mean, shop.log_price_deviation, leaves)),
        leaf_names=tuple(f"leaf-{leaf:03}" for leaf in range(leaves)),
        top_names=tuple(f"top-{top:02}" for top in range(shop.num_top_categories)),
        item_names=tuple(f"item-{leaf:03}-{item:02}" for leaf in range(leaves) for item in range(items)),
    )


def pick_tasted(
    categories: Categories, favourites: IntArray, shares: FloatArray, liked_share: float, drawn: FloatArray
) -> IntArray:
    """Returns leaves by taste: a favourite with probability `liked_share`, else one by popularity.

    Args:
        categories: the tree.
        favourites: liked leaves of each row, (n, favourites).
        shares: their cumulative shares, (n, favourites).
        liked_share: share of draws that take a favourite.
        drawn: two numbers in [0, 1) for each row, (2, n).
    """
    liked = favourites[np.arange(len(favourites)), pick(shares, drawn[1])]
    return np.where(drawn[0] < liked_share, liked, pick(categories.popularity, drawn[1]))
