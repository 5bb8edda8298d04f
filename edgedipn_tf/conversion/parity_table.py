"""The table that a conversion prints: AUC at full length, then what each length of each file is off by."""

from collections.abc import Callable, Mapping, Sequence

from edgedipn_tf.conversion.parity import Parity

_COLUMNS: Mapping[str, Callable[[Parity], str]] = {
    "max error": lambda found: f"{found.max_abs_error:.2g}",
    "mean error": lambda found: f"{found.mean_abs_error:.2g}",
    "rank corr.": lambda found: _lowest_rank_correlation(found),
    "AUC drop": lambda found: _auc_text(found.max_auc_drop),
    "flips": lambda found: f"{found.max_flips:.2%}",
    "samples fit": lambda found: f"{found.ladder.num_samples}",
    "off the longest": lambda found: f"{found.ladder.max_abs_difference:.2g}",
}
"""What is told of each length of each file: the worst intent."""


def format_table(keras_auc: Mapping[str, float | None], found: Sequence[Parity]) -> str:
    """Returns the results for people.

    Args:
        keras_auc: AUC of Keras at full length, by intent.
        found: the results of every file and length.
    """
    longest = max(parity.signature.steps for parity in found)
    whole = [parity for parity in found if parity.signature.steps == longest]
    width = max(len(intent) for intent in keras_auc)
    lines = [f"{'AUC':{width}}  {'Keras':>8}" + "".join(f"  {parity.recipe:>20}" for parity in whole)]
    for intent, value in keras_auc.items():
        cells = (_cell(parity.auc[intent], parity.auc_difference[intent]) for parity in whole)
        lines.append(f"{intent:{width}}  {_auc_text(value):>8}" + "".join(f"  {cell:>20}" for cell in cells))
    lines.append(" " * width + "".join(f"  {title:>15}" for title in _COLUMNS))
    for parity in found:
        cells = (f"  {text(parity):>15}" for text in _COLUMNS.values())
        lines.append(f"{parity.recipe} {parity.signature.steps}".ljust(width) + "".join(cells))
    return "\n".join(lines)


def _lowest_rank_correlation(found: Parity) -> str:
    known = [value for value in found.rank_correlation.values() if value is not None]
    return f"{min(known):.5f}" if known else "n/a"


def _auc_text(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4f}"


def _cell(value: float | None, difference: float | None) -> str:
    return "n/a" if value is None or difference is None else f"{value:.4f} ({difference:+.4f})"
