"""Every parameter of the simulated world, as frozen values. Lists "by goal" are in the order of `Goal`.

Numbers are chosen, not fitted: the volumes are those of DIPN's Table 1 (`DIPN_VOLUMES`), the rest makes base rates and
causes of the kind that the papers tell of.
"""

import dataclasses
import enum

ByGoal = tuple[float, float, float, float, float]
ByConviction = tuple[float, float, float, float, float, float, float, float]


class Goal(enum.IntEnum):
    """What a user wants at a page; hidden. It changes from page to page."""

    IDLE = 0
    EXPLORE = 1
    COMPARE = 2
    DECIDE = 3
    ORDER = 4


@dataclasses.dataclass(frozen=True)
class Volumes:
    """How much is logged.

    Attributes:
        visits_per_day: mean visits on a day on which the user is around.
        swipes, taps: factors on the rates of swipes and of taps on buttons.
        need_arises: chance that a visit without a need begins with one.
        need_pace: factor on the chances that a page convinces and that a visit forgets or gives up; lower where visits
            are more, because a decision takes days, however much is done on each.
    """

    visits_per_day: float = 1.5
    swipes: float = 0.25
    taps: float = 0.35
    need_arises: float = 0.30
    need_pace: float = 1.0


DIPN_VOLUMES = Volumes(visits_per_day=8.1, swipes=1.06, taps=1.21, need_arises=0.30, need_pace=0.2)
"""Of DIPN's Table 1: 1,583 swipe-track, 391 tap and 42 browse actions for each user and day, over 3 to 13 days.

Needs gather, and with them visits: the first days have less, later ones more."""


@dataclasses.dataclass(frozen=True)
class Shop:
    """Categories and items.

    Attributes:
        num_top_categories, num_leaf_categories, items_per_leaf: sizes of the category tree.
        popularity_offset: leaf of rank r has weight 1 / (r + offset): Zipf with a flattened head.
        log_price_mean, log_price_deviation: of the typical prices of leaves.
    """

    num_top_categories: int = 24
    num_leaf_categories: int = 240
    items_per_leaf: int = 40
    popularity_offset: float = 5.0
    log_price_mean: float = 4.0
    log_price_deviation: float = 1.0


@dataclasses.dataclass(frozen=True)
class Traits:
    """What lasts of a user. Activity, habit, propensity and cart habit are normal with mean 0 and deviation 1.

    Attributes:
        num_favourites: leaf categories that a user likes; the first by popularity.
        sibling_share: chance that a further favourite has the first one's top category.
        taste_concentration: of the Dirichlet distribution of the shares of the favourites.
        liked_share: share of needs and strolls that are about a favourite; the others follow popularity.
        activity_deviation: of the logarithm of the number of visits.
        cart_deviation: of the logarithm of the user's own factor on the chance of filling the cart.
        peak_hour, peak_hour_deviation, peak_width_hours: around when a user visits.
        round_the_clock_share: share of visits at any hour.
        right_handed_share, hand_places: of the users, and where swipes are as shares of the width (right, left).
        style_deviation: of the logarithms of a user's own factors on length, duration and number of touches.
        phones: windows (width, height), cheapest first.
        missing_view_shares: of the users, whose app could not log swipe, tap or browse.
        profile_null_share, no_profile_share: of profile values, of users.
    """

    num_favourites: int = 4
    sibling_share: float = 0.4
    taste_concentration: float = 2.0
    liked_share: float = 0.85
    activity_deviation: float = 0.3
    cart_deviation: float = 1.0
    peak_hour: float = 20.0
    peak_hour_deviation: float = 2.5
    peak_width_hours: float = 3.5
    round_the_clock_share: float = 0.1
    right_handed_share: float = 0.85
    hand_places: tuple[float, float] = (0.64, 0.36)
    style_deviation: float = 0.12
    phones: tuple[tuple[int, int], ...] = (
        (360, 640), (360, 780), (375, 812), (393, 851), (412, 915), (720, 1440), (1080, 1920), (1080, 2340),
    )  # fmt: skip
    missing_view_shares: tuple[float, float, float] = (0.03, 0.03, 0.02)
    profile_null_share: float = 0.08
    no_profile_share: float = 0.03


@dataclasses.dataclass(frozen=True)
class Days:
    """Logit of being around on a day: base + habit * trait + yesterday * (was around) + need * (has one)."""

    base: float = 0.3
    habit: float = 2.6
    yesterday: float = 0.9
    need: float = 1.1


@dataclasses.dataclass(frozen=True)
class Needs:
    """What a user is after, for days: a leaf category, and how convinced the user is (hidden, 0 to 7).

    Comments convince little by little, over visits and days, and few orders are made before: what decides about them
    goes far beyond the newest actions.

    Attributes:
        given_up: chance at the start of a visit that the need is given up.
        forgets: chance at the start of a visit that the conviction falls by one.
        convinced: chance that reading comments raises the conviction by one, by goal.
        order_logits: logit of going on to order at a page in the goal decide, by conviction.
        order_propensity: how much the user's propensity adds to it.
        decide_factors: factor on the chance of compare -> decide, by conviction.
        pays: chance that an order is paid.
        cart_recalled: chance that a visit begins with the goal decide when the cart was filled for the need: a cause
            that works over visits and days.
    """

    given_up: float = 0.05
    forgets: float = 0.10
    convinced: ByGoal = (0.0, 0.05, 0.80, 0.80, 0.0)
    order_logits: ByConviction = (-9.0, -8.0, -6.5, -5.0, -3.5, -2.0, -0.5, 1.0)
    order_propensity: float = 0.3
    decide_factors: ByConviction = (0.8, 0.8, 0.9, 0.9, 1.0, 1.1, 1.2, 1.3)
    pays: float = 0.85
    cart_recalled: float = 0.25


@dataclasses.dataclass(frozen=True)
class Goals:
    """The chain of goals.

    Attributes:
        first: chances of the goals at the start of a visit, without and with a need.
        next: chances of (idle, explore, compare, decide, order, end of the visit) after a page, by goal; without and
            with a need. From decide, going on to order comes before (`Needs.order_logits`).
    """

    first: tuple[ByGoal, ByGoal] = ((0.62, 0.38, 0, 0, 0), (0.20, 0.30, 0.42, 0.08, 0))
    next: tuple[tuple[tuple[float, ...], ...], ...] = (
        (
            (0.81, 0.10, 0.01, 0.00, 0, 0.08),
            (0.12, 0.76, 0.04, 0.00, 0, 0.08),
            (0.15, 0.27, 0.46, 0.04, 0, 0.08),
            (0.10, 0.15, 0.20, 0.45, 0, 0.10),
            (0.30, 0.15, 0.00, 0.05, 0, 0.50),
        ),
        (
            (0.78, 0.12, 0.04, 0.00, 0, 0.06),
            (0.08, 0.71, 0.14, 0.01, 0, 0.06),
            (0.05, 0.08, 0.75, 0.06, 0, 0.06),
            (0.04, 0.06, 0.17, 0.67, 0, 0.06),
            (0.20, 0.10, 0.05, 0.15, 0, 0.50),
        ),
    )


@dataclasses.dataclass(frozen=True)
class Page:
    """A kind of page.

    Attributes:
        name: name in the log.
        links: pages that it leads to: the edges of the page graph.
        appeal: how much a goal leads to this page, compared with the others that are linked.
        stay_seconds: median stay.
        swipes_per_minute, taps_per_minute: mean rates.
        is_reading: whether swipes here tell more: slow and short when the user reads with care.
        care: what conviction does to swipes here (`Touch.care_length`): 1 slower and shorter, -1 quicker and longer.
    """

    name: str
    links: tuple[str, ...]
    appeal: ByGoal
    stay_seconds: float
    swipes_per_minute: float
    taps_per_minute: float
    is_reading: bool = False
    care: float = 0.0


# Compare and decide open much the same pages: in the browse view, which shows detail and search, they differ little.
# All goals open comments, some for the pictures: touch tells who reads them.
PAGES = (
    Page("home", ("feed", "list", "search", "detail", "cart", "coupons", "mine"), (4, 2, 1, 1, 0), 8, 30, 9, care=-1),
    Page("feed", ("feed", "detail", "home", "shop"), (9, 3, 1, 1, 0), 20, 45, 5, care=-1),
    Page("list", ("list", "detail", "search", "home"), (3, 5, 4, 4, 0), 16, 44, 8, care=-1),
    Page("search", ("list", "detail"), (2, 4, 3, 3, 0), 7, 8, 14, care=-1),
    Page(
        "detail",
        ("detail", "comments", "specification", "shop", "cart", "list", "feed", "home"),
        (10, 16, 17, 17, 0), 20, 36, 11, care=1,
    ),
    Page("comments", ("detail", "comments", "specification"), (6, 8, 9, 8, 0), 20, 40, 6, is_reading=True, care=1),
    Page("specification", ("detail", "comments", "cart"), (0.5, 1, 4, 3, 0), 10, 24, 14, care=1),
    Page("shop", ("detail", "coupons", "list"), (2, 2, 2, 2, 0), 15, 36, 6, care=-1),
    Page("cart", ("detail", "coupons", "home", "cart"), (1, 0.7, 1, 1.5, 0), 10, 18, 14, care=1),
    Page("coupons", ("detail", "cart", "home"), (1.5, 0.7, 0.8, 1.2, 0), 10, 24, 12, care=-1),
    Page("order", ("home", "mine", "cart"), (0, 0, 0, 0, 1), 18, 9, 12),
    Page("mine", ("home", "cart", "feed"), (1.5, 1, 0.5, 0.5, 0), 9, 15, 10, care=-1),
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Button:
    """A button of a page: its place as shares of the window, and how often a goal taps it compared with the others."""

    page: str
    name: str
    x: float
    y: float
    weights: ByGoal


BUTTONS = (
    Button("home", "banner", 0.5, 0.2, (3, 2, 1, 1, 1)),
    Button("home", "channel", 0.3, 0.4, (2, 2, 1, 1, 1)),
    Button("feed", "product", 0.5, 0.6, (4, 3, 2, 2, 2)),
    Button("feed", "like", 0.9, 0.7, (3, 1, 0.5, 0.5, 0.5)),
    Button("list", "product", 0.5, 0.5, (3, 3, 3, 3, 3)),
    Button("list", "sort", 0.3, 0.12, (0.5, 1, 2, 1.5, 1)),
    Button("list", "filter", 0.9, 0.12, (0.5, 1, 2.5, 2, 1)),
    Button("search", "query", 0.5, 0.06, (1, 1, 1, 1, 1)),
    Button("search", "suggestion", 0.4, 0.25, (1, 1, 1, 0.5, 1)),
    Button("detail", "picture", 0.5, 0.25, (5, 5, 3, 2, 1)),
    Button("detail", "sku", 0.5, 0.55, (0.3, 0.6, 1.5, 5, 5)),
    Button("detail", "coupon", 0.8, 0.48, (0.3, 0.5, 0.8, 3, 3)),
    Button("detail", "service", 0.12, 0.95, (0.1, 0.2, 0.6, 1, 1)),
    Button("detail", "collect", 0.3, 0.95, (0, 0, 0, 0, 0)),  # these three are outcomes of a page, never chance
    Button("detail", "add_to_cart", 0.62, 0.95, (0, 0, 0, 0, 0)),
    Button("detail", "share", 0.95, 0.06, (0.4, 0.3, 0.2, 0.1, 0.1)),
    Button("comments", "picture", 0.4, 0.5, (2, 2, 3, 2, 1)),
    Button("comments", "worst_first", 0.7, 0.15, (0.1, 0.3, 2, 2.5, 1)),
    Button("comments", "helpful", 0.9, 0.6, (1, 0.7, 0.7, 0.4, 0.4)),
    Button("specification", "size", 0.5, 0.4, (1, 1, 2, 2, 2)),
    Button("specification", "colour", 0.5, 0.6, (2, 2, 1.5, 1.5, 1)),
    Button("shop", "follow", 0.85, 0.1, (1, 1, 1, 1, 1)),
    Button("shop", "coupon", 0.5, 0.3, (0.5, 0.5, 0.7, 2, 2)),
    Button("cart", "select", 0.06, 0.4, (1, 1, 2, 3, 3)),
    Button("cart", "quantity", 0.85, 0.45, (0.5, 0.5, 0.5, 1, 1)),
    Button("coupons", "claim", 0.85, 0.5, (1, 1, 1, 2, 2)),
    Button("coupons", "browse", 0.5, 0.7, (2, 2, 1, 1, 1)),
    Button("order", "address", 0.5, 0.15, (1, 1, 1, 1, 1)),
    Button("order", "coupon", 0.7, 0.6, (1, 1, 1, 1, 1)),
    Button("order", "pay", 0.8, 0.94, (0, 0, 0, 0, 0)),
    Button("mine", "orders", 0.2, 0.3, (1, 1, 1, 1, 1)),
    Button("mine", "footprints", 0.8, 0.2, (1, 1, 1, 1, 1)),
)


@dataclasses.dataclass(frozen=True)
class PageActions:
    """What happens at the end of product pages, and which product they show.

    Attributes:
        collects, carts: chances on a detail page, by goal; that of a cart times the user's own factor.
        max_carts: largest chance of a cart.
        focused: share of product pages that are about the category of the visit, by goal.
        stay_factors: factors on the median stay, by goal.
        stay_shape: of the log-logistic distribution of stays; a larger one scatters less.
        max_stay_seconds: after which a user leaves a page.
        gap_ms: from the end of a page to the next.
    """

    collects: ByGoal = (0.01, 0.03, 0.05, 0.03, 0.0)
    carts: ByGoal = (0.004, 0.015, 0.045, 0.11, 0.0)
    max_carts: float = 0.5
    focused: ByGoal = (0.45, 0.65, 0.85, 0.85, 1.0)
    stay_factors: ByGoal = (0.9, 0.95, 1.1, 1.1, 1.0)
    stay_shape: float = 3.0
    max_stay_seconds: float = 600.0
    gap_ms: int = 300


@dataclasses.dataclass(frozen=True)
class Touch:
    """How goals show in touch: who decides swipes less far and more slowly than who strolls, most of all in comments.

    Attributes:
        length, reading_length: median length of a swipe as a share of the window's height, by goal; on pages to read.
        duration_ms, reading_duration_ms: median duration of a swipe.
        care_length, care_duration: how much less the logarithm of the length, more that of the duration, is for who is
            convinced most, times the `care` of the page. Little beside the deviations: it takes hundreds of swipes to
            tell, and a mean over all pages does not show it.
        length_deviation, duration_deviation: of their logarithms.
        sideways: share of swipes that go sideways, through pictures, by goal.
        towards_top: share of swipes that go to the top, or to the left.
        swipe_factors, tap_factors: factors on the rates of a page, by goal.
        place_deviation, tap_deviation, drift_deviation: of where swipes are, where buttons are hit, as shares of the
            window, and of a swipe across its direction.
        max_duration_ms: of a swipe.
    """

    length: ByGoal = (0.46, 0.42, 0.37, 0.31, 0.31)
    reading_length: ByGoal = (0.46, 0.42, 0.30, 0.24, 0.30)
    duration_ms: ByGoal = (180.0, 200.0, 240.0, 300.0, 300.0)
    reading_duration_ms: ByGoal = (180.0, 200.0, 310.0, 380.0, 300.0)
    care_length: float = 0.14
    care_duration: float = 0.18
    length_deviation: float = 0.40
    duration_deviation: float = 0.50
    sideways: ByGoal = (0.07, 0.10, 0.14, 0.10, 0.05)
    towards_top: float = 0.82
    swipe_factors: ByGoal = (1.15, 1.05, 0.95, 0.9, 0.9)
    tap_factors: ByGoal = (0.8, 0.9, 1.1, 1.25, 1.2)
    place_deviation: float = 0.08
    tap_deviation: float = 0.015
    drift_deviation: float = 0.02
    max_duration_ms: int = 3000


@dataclasses.dataclass(frozen=True)
class Noise:
    """What means nothing.

    Attributes:
        distracted: share of pages whose touch is that of a goal drawn at random.
        duplicated_users: share of users whose app sends a record twice.
        null_prices: share of product actions without a price.
    """

    distracted: float = 0.20
    duplicated_users: float = 0.1
    null_prices: float = 0.02


@dataclasses.dataclass(frozen=True)
class WorldConfig:
    """All parameters of a world; the seed is not one of them."""

    volumes: Volumes = Volumes()
    shop: Shop = Shop()
    traits: Traits = Traits()
    days: Days = Days()
    needs: Needs = Needs()
    goals: Goals = Goals()
    pages: tuple[Page, ...] = PAGES
    buttons: tuple[Button, ...] = BUTTONS
    page_actions: PageActions = PageActions()
    touch: Touch = Touch()
    noise: Noise = Noise()
