"""The report as one page that needs nothing else: no script, no font, no image, no address; light and dark."""

import html
import pathlib
import statistics
from collections.abc import Sequence

from android_bench import paper, profile_chart, report_charts
from android_bench.latency import Verdict
from android_bench.report_style import STYLE
from android_bench.results import CaseResult, DeviceInfo, Report
from edgedipn_tf import html_page, publishing
from edgedipn_tf.charts import tag
from edgedipn_tf.html_page import section, table

FILE_NAME = "report.html"

_SIGNS = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.INCONCLUSIVE: "?", Verdict.INVALID: "–"}


def write(report: Report, folder: pathlib.Path) -> pathlib.Path:
    """Writes `report.html` into a folder, whole or not at all, and returns its path."""
    path = folder / FILE_NAME
    publishing.write_bytes(path, render(report).encode())
    return path


def render(report: Report) -> str:
    """Returns the page."""
    models = ", ".join(sorted({bundle.model for bundle in report.bundles}))
    parts = [
        html_page.heading(f"Latency of {models}"),
        tag("p", html.escape(f"Measured {report.started_at}. {_what()}"), class_="lead"),
        *section("Verdicts", _verdicts(report) + _notes(report)),
        *_charts(report),
        *section("Cold start, first inference, steady state", _starts(report)),
        *section("Operator profile", _profiles(report)),
        *section("Outputs", _outputs(report)),
        *section("AUC of the outputs", _aucs(report)),
        *section("Machines and settings", _machines(report)),
    ]
    return html_page.page("Latency report", STYLE, parts)


def _what() -> str:
    return (
        "A verdict needs the whole 95 % interval of p90 on one side of the budget; it rests on single latencies, never "
        "on averages. INVALID says why. What is measured on the host says nothing of a phone."
    )


def _verdicts(report: Report) -> str:
    budgets = sorted({key for case in report.cases for key in case.verdicts}, key=float)
    headings = ["machine", "model", "length", "recipe", "condition", "runs", "p50 ms", "p90 ms", "95 % of p90"]
    rows = []
    for case in report.cases:
        summary = case.summary
        figures = ["–"] * 3
        if summary:
            interval = f"{summary.p90_low_ms:.3g} to {summary.p90_high_ms:.3g}"
            figures = [f"{summary.p50_ms:.3g}", f"{summary.p90_ms:.3g}", interval]
        names = [case.machine, case.bundle_model, str(case.max_length), case.recipe, case.condition.label]
        cells = [html.escape(word) for word in [*names, str(len(case.samples_ms)), *figures]]
        rows.append([*cells, *(_chip(case.verdicts[budget]) for budget in budgets), html.escape(case.problem or "")])
    return table([*headings, *(f"{budget} ms" for budget in budgets), "why"], rows) if rows else ""


def _chip(verdict: Verdict) -> str:
    """Returns a verdict as a word and a sign, so that it does not rest on its colour."""
    return tag("span", f"{_SIGNS[verdict]} {verdict}", class_=f"chip {verdict.lower()}")


def _notes(report: Report) -> str:
    by_case = [f"{case.machine}: {note}" for case in report.cases for note in case.notes]
    found = [*paper.lines(sorted({bundle.model for bundle in report.bundles})), *report.notes, *dict.fromkeys(by_case)]
    return html_page.bullets(found)


def _charts(report: Report) -> list[str]:
    valid = [case for case in report.cases if case.summary]
    if not valid:
        return []
    parts = section("Distributions", report_charts.distributions(valid, report.settings.budget_ms))
    parts += section("Latency against length", report_charts.against_length(report))
    for device in _devices(report):
        states = [state for case in report.cases if case.device == device for state in case.states]
        parts += section(f"Temperatures and clocks: {device.label}", report_charts.traces(states))
    return parts


def _starts(report: Report) -> str:
    rows = []
    for case in report.cases:
        if not case.summary:
            continue
        warm_up = [sample for process in case.processes for sample in process.warmup_ms]
        memory = [process.peak_memory_kb for process in case.processes if process.peak_memory_kb]
        figures = [
            str(len(case.processes)),
            _median([process.load_ms for process in case.processes]),
            _median([process.first_ms for process in case.processes]),
            _median(warm_up),
            f"{case.summary.p50_ms:.3g}",
            f"{max(memory) / 1024:.1f}" if memory else "–",
        ]
        rows.append([html.escape(word) for word in [case.file_label, case.machine, case.condition.label, *figures]])
    headings = [
        "file",
        "machine",
        "condition",
        "processes",
        "load ms",
        "first ms",
        "warm-up ms",
        "steady ms",
        "peak MiB",
    ]
    return table(headings, rows) + tag("p", "Medians; over processes for load and first inference.") if rows else ""


def _median(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.median(known):.3g}" if known else "–"


def _profiles(report: Report) -> str:
    charts = "".join(profile_chart.render(case) for case in report.cases)
    note = "Shares of the time of all nodes, of runs of their own: a profiled model is slower. ai-edge-litert's Python "
    note += "interface gives no profile; the native runner with LiteRT and benchmark_model do."
    return charts + tag("p", html.escape(note)) if charts else ""


def _outputs(report: Report) -> str:
    rows = []
    for case in report.cases:
        if case.parity:
            names = [html.escape(word) for word in (case.file_label, case.machine, case.condition.label)]
            rows.append([*names, str(case.parity.num_samples), _largest(case, "keras"), _largest(case, "host")])
    return table(["file", "machine", "condition", "samples", "from Keras", "from this computer"], rows) if rows else ""


def _aucs(report: Report) -> str:
    rows = []
    for case in report.cases:
        for intent, auc in sorted((case.auc or {}).items()):
            names = [html.escape(word) for word in (case.file_label, case.machine, case.condition.label, intent)]
            values = ["n/a" if value is None else f"{value:.4f}" for value in (auc.keras, auc.host, auc.machine)]
            difference = "n/a" if auc.difference is None else f"{auc.difference:+.4f}"
            rows.append([*names, str(auc.num_known), *values, difference])
    headings = ["file", "machine", "condition", "intent", "labels", "Keras", "this computer", "machine", "difference"]
    note = "Of so few samples: whether the machine ranks as this computer does, not how good the model is."
    return table(headings, rows) + tag("p", note) if rows else ""


def _largest(case: CaseResult, reference: str) -> str:
    parity = case.parity if reference == "keras" else case.host_difference
    if parity is None:
        return "–"
    return (
        "not finite" if parity.largest is None else f"{parity.largest:.2g} ({256 * parity.largest:.2f} steps of 1/256)"
    )


def _machines(report: Report) -> str:
    environment, settings = report.environment, report.settings
    rows = [
        ["host", html.escape(f"{environment.processor}, {environment.platform}, LiteRT {environment.litert_version}")]
    ]
    for device in _devices(report):
        rows.append([html.escape(device.label), html.escape(_description(device))])
    for bundle in report.bundles:
        rows.append(["bundle", html.escape(f"{bundle.path}, manifest SHA-256 {bundle.manifest_sha256}")])
    programs = {item for case in report.cases for item in case.program_sha256.items()}
    rows += [[html.escape(name), html.escape(f"SHA-256 {sha256}")] for name, sha256 in sorted(programs)]
    rows.append(["settings", html.escape(", ".join(f"{name} {value:g}" for name, value in vars(settings).items()))])
    return table(["what", "which"], rows)


def _description(device: DeviceInfo) -> str:
    clocks = sorted({khz for khz in device.max_khz if khz}, reverse=True)
    clusters = " + ".join(f"{device.max_khz.count(khz)} x {khz / 1e6:.2f} GHz" for khz in clocks)
    parts = [device.soc, ", ".join(device.abis), clusters, f"governor {', '.join(sorted(set(device.governors)))}"]
    parts += [f"Android {device.android_version} (API {device.api_level})", device.build, f"kernel {device.kernel}"]
    return "; ".join(part for part in parts if part)


def _devices(report: Report) -> list[DeviceInfo]:
    return list(dict.fromkeys(case.device for case in report.cases if case.device))
