"""Users: what lasts over their visits, and the profile that tells a little of it."""

import dataclasses

import numpy as np

from edgedipn_tf.simulation.world import PHONES, FloatArray, IntArray, World, draw

NUM_FAVOURITES = 4
PROFILE_COLUMNS = ("age_level", "gender", "buyer_star", "tm_level", "vip_level", "phone_price")
_NULL_SHARE = 0.08
_NO_PROFILE_SHARE = 0.03
_MISSING_VIEW_SHARES = (("swipe", 0.03), ("tap", 0.03), ("browse", 0.02))


@dataclasses.dataclass(frozen=True)
class User:
    """Lasting traits; normal ones have mean 0 and deviation 1 over the users.

    Attributes:
        activity: how many visits a day.
        habit: how surely the user comes back the next day.
        propensity: how easily the user buys.
        favourites: leaf categories that the user likes, (favourites,).
        favourite_shares: cumulative share of each, (favourites,).
        peak_hour: hour of the day around which the user visits.
        window: width and height of the phone's window.
        hand: where swipes are, as a share of the width.
        swipe_length, swipe_duration: the user's factor on lengths and durations.
        missing_views: views that the app could not log for this user.
        profile: value of each profile column or None; empty when there is no profile row.
    """

    activity: float
    habit: float
    propensity: float
    favourites: IntArray
    favourite_shares: FloatArray
    peak_hour: float
    window: tuple[int, int]
    hand: float
    swipe_length: float
    swipe_duration: float
    missing_views: frozenset[str]
    profile: dict[str, str | None]


def draw_user(world: World, random: np.random.Generator) -> User:
    """Draws one user."""
    activity, habit, propensity, wealth = (float(x) for x in random.normal(size=4))
    home = int(draw(world.popularity, random.random(1))[0])
    # Half of the favourites are of the top category of the first one.
    siblings = np.flatnonzero(world.top_of_leaf == world.top_of_leaf[home])
    favourites = np.concatenate(
        [[home], random.choice(siblings, NUM_FAVOURITES // 2 - 1), draw(world.popularity, random.random(2))]
    )
    phone = int(np.clip(round(3.5 + 1.5 * wealth + random.normal()), 0, len(PHONES) - 1))
    return User(
        activity=activity,
        habit=habit,
        propensity=propensity,
        favourites=favourites.astype(np.int64),
        favourite_shares=np.cumsum(random.dirichlet(np.full(NUM_FAVOURITES, 2.0))),
        peak_hour=float(random.normal(20.0, 2.5)),
        window=PHONES[phone],
        hand=0.64 if random.random() < 0.85 else 0.36,
        swipe_length=float(np.exp(random.normal(0, 0.12))),
        swipe_duration=float(np.exp(random.normal(0, 0.12))),
        missing_views=frozenset(name for name, share in _MISSING_VIEW_SHARES if random.random() < share),
        profile=_draw_profile(activity, propensity, phone, random),
    )


def _draw_profile(activity: float, propensity: float, phone: int, random: np.random.Generator) -> dict[str, str | None]:
    noise = random.normal(size=4)
    levels = {
        "age_level": int(np.clip(round(4 + 2 * noise[0]), 0, 8)),
        "gender": int(random.random() < 0.5),
        "buyer_star": int(np.clip(round(7 + 2.5 * propensity + 1.5 * noise[1]), 0, 16)),
        "tm_level": int(np.clip(round(2.5 + 0.7 * activity + 0.7 * noise[2]), 0, 5)),
        "vip_level": int(np.clip(round(3 + propensity + 0.5 * activity + noise[3]), 0, 7)),
        "phone_price": phone,
    }
    is_null = random.random(len(PROFILE_COLUMNS)) < _NULL_SHARE
    if random.random() < _NO_PROFILE_SHARE:
        return {}
    return {name: None if null else str(levels[name]) for name, null in zip(PROFILE_COLUMNS, is_null, strict=True)}
