"""What lasts of users over their visits, and the profile that tells a little of it."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from edgedipn_tf.simulation import config
from edgedipn_tf.simulation.categories import Categories
from edgedipn_tf.simulation.randomness import FloatArray, IntArray, cumulative, pick

PROFILE_COLUMNS = ("age_level", "gender", "buyer_star", "tm_level", "vip_level", "phone_price")
_HOURS = np.arange(24) + 0.5


@dataclasses.dataclass(frozen=True)
class Style:
    """How one user touches, and what the app could log.

    Attributes:
        window: width and height of the phone's window.
        hand: where swipes are, as a share of the width.
        length, duration, rate: the user's factors on swipe lengths, swipe durations and numbers of touches.
        missing_view: the view that the app could not log, or "".
        profile: value of each profile column or None; empty when there is no profile row.
    """

    window: tuple[int, int]
    hand: float
    length: float
    duration: float
    rate: float
    missing_view: str
    profile: dict[str, str | None]


@dataclasses.dataclass(frozen=True)
class User:
    """Lasting traits of one user; the first four have mean 0 and deviation 1 over the users.

    Attributes:
        activity: how many visits a day.
        habit: how surely the user comes back the next day.
        propensity: how easily the user buys.
        cart_habit: how readily the user fills the cart.
        favourites: leaf categories that the user likes, (favourites,).
        favourite_shares: cumulative share of each, (favourites,).
        hours: cumulative share of visits until each full hour of a day, 0 at 0 h and 1 at 24 h, (25,).
        style: what shows in touch and profile.
    """

    activity: float
    habit: float
    propensity: float
    cart_habit: float
    favourites: IntArray
    favourite_shares: FloatArray
    hours: FloatArray
    style: Style


@dataclasses.dataclass(frozen=True)
class Crowd:
    """The traits of several users that decide what they do, as arrays (users, ...); see `User`."""

    visits_per_day: FloatArray
    habit: FloatArray
    propensity: FloatArray
    cart_factor: FloatArray
    favourites: IntArray
    favourite_shares: FloatArray
    hours: FloatArray


def gather(users: Sequence[User], volumes: config.Volumes, traits: config.Traits) -> Crowd:
    """Returns the traits of users as arrays; visits a day have the configured mean over all users."""
    return Crowd(
        visits_per_day=volumes.visits_per_day
        * _log_normal([user.activity for user in users], traits.activity_deviation),
        habit=np.array([user.habit for user in users]),
        propensity=np.array([user.propensity for user in users]),
        cart_factor=_log_normal([user.cart_habit for user in users], traits.cart_deviation),
        favourites=np.stack([user.favourites for user in users]),
        favourite_shares=np.stack([user.favourite_shares for user in users]),
        hours=np.stack([user.hours for user in users]),
    )


def _log_normal(normal: list[float], deviation: float) -> FloatArray:
    """Returns factors with mean 1 from values with mean 0 and deviation 1."""
    return np.exp(deviation * np.array(normal) - deviation**2 / 2)


def draw_user(traits: config.Traits, categories: Categories, random: np.random.Generator) -> User:
    """Draws one user."""
    activity, habit, propensity, cart_habit, wealth = (float(x) for x in random.normal(size=5))
    first = int(pick(categories.popularity, random.random(1))[0])
    others = traits.num_favourites - 1
    siblings = random.choice(categories.siblings(first), others)
    strangers = pick(categories.popularity, random.random(others))
    further = np.where(random.random(others) < traits.sibling_share, siblings, strangers)
    phones = traits.phones
    phone = int(np.clip(round(0.45 * len(phones) + 1.5 * wealth + random.normal()), 0, len(phones) - 1))
    return User(
        activity=activity,
        habit=habit,
        propensity=propensity,
        cart_habit=cart_habit,
        favourites=np.concatenate([[first], further]),
        favourite_shares=cumulative(random.dirichlet(np.full(traits.num_favourites, traits.taste_concentration))),
        hours=_cumulative_hours(traits, random.normal(traits.peak_hour, traits.peak_hour_deviation)),
        style=_draw_style(traits, phone, _draw_profile(traits, activity, propensity, phone, random), random),
    )


def _cumulative_hours(traits: config.Traits, peak: float) -> FloatArray:
    """Returns the cumulative shares of visits by hour: a bell around the peak over a floor at any hour."""
    distance = (_HOURS - peak + 12) % 24 - 12
    bell = np.exp(-0.5 * (distance / traits.peak_width_hours) ** 2)
    shares = (1 - traits.round_the_clock_share) * bell / bell.sum() + traits.round_the_clock_share / 24
    return np.concatenate([[0.0], cumulative(shares)])


def _draw_style(
    traits: config.Traits, phone: int, profile: dict[str, str | None], random: np.random.Generator
) -> Style:
    length, duration, rate = np.exp(random.normal(0, traits.style_deviation, 3)).tolist()
    shares = [*traits.missing_view_shares, 1 - sum(traits.missing_view_shares)]
    return Style(
        window=traits.phones[phone],
        hand=traits.hand_places[int(random.random() >= traits.right_handed_share)],
        length=length,
        duration=duration,
        rate=rate,
        missing_view=("swipe", "tap", "browse", "")[int(pick(cumulative(shares), random.random(1))[0])],
        profile=profile,
    )


def _draw_profile(
    traits: config.Traits, activity: float, propensity: float, phone: int, random: np.random.Generator
) -> dict[str, str | None]:
    noise = random.normal(size=4)
    levels = {
        "age_level": int(np.clip(round(4 + 2 * noise[0]), 0, 8)),
        "gender": int(random.random() < 0.5),
        "buyer_star": int(np.clip(round(7 + 2.5 * propensity + 1.5 * noise[1]), 0, 16)),
        "tm_level": int(np.clip(round(2.5 + 0.7 * activity + 0.7 * noise[2]), 0, 5)),
        "vip_level": int(np.clip(round(3 + propensity + 0.5 * activity + noise[3]), 0, 7)),
        "phone_price": phone,
    }
    is_null = random.random(len(PROFILE_COLUMNS)) < traits.profile_null_share
    if random.random() < traits.no_profile_share:
        return {}
    return {name: None if null else str(levels[name]) for name, null in zip(PROFILE_COLUMNS, is_null, strict=True)}
