"""The table that ends the quickstart: AUC by intent, sizes, latencies, verdicts; read from the artefacts only."""

import pathlib
from typing import Any

from edgedipn_tf import publishing

REMEDY = "run the quickstart again with --fresh"


def table(folder: pathlib.Path, is_simulated: bool, name: str) -> str:
    """Returns the table of a finished quickstart.

    Args:
        folder: where the quickstart made its artefacts.
        is_simulated: whether the logs were simulated; it is said in the same sentence as the results.
        name: name of the log.
    """
    parity = publishing.read_json(folder / "bundle" / "parity.json", "parity of the bundle", REMEDY)
    manifest = publishing.read_json(folder / "bundle" / "manifest.json", "manifest of the bundle", REMEDY)
    results = publishing.read_json(folder / "report" / "results.json", "result of the benchmark", REMEDY)
    description = publishing.read_json(folder / "dataset" / "dataset.json", "description of the dataset", REMEDY)
    data = "SIMULATED logs (not real behaviour)" if is_simulated else f"the public log '{name}'"
    lines = [
        f"Model {manifest['model']}, length {manifest['max_length']}, evaluated on {parity['num_samples']:,} samples "
        f"of {data}.",
        "",
        *_auc_lines(parity, description["labels"]["eval"], manifest),
        "",
        *_file_lines(manifest, results),
        "",
        *_verdict_lines(results),
    ]
    return "\n".join(lines)


def _auc_lines(parity: dict[str, Any], labels: dict[str, Any], manifest: dict[str, Any]) -> list[str]:
    intents, files = manifest["intents"], manifest["files"]
    longest = str(manifest["max_length"])
    by_recipe = {
        file["recipe"]: parity["files"][file["name"]][signature["name"]]
        for file in files
        for signature in file["signatures"]
        if signature["length"] == manifest["max_length"]
    }
    header = f"{'AUC by intent':26}{'metric':8}{'Keras':>8}" + "".join(f"{recipe:>14}" for recipe in by_recipe)
    lines = [header + f"{'positives':>12}{'known':>10}"]
    for intent in intents:
        name, counts = intent["name"], labels[intent["name"]]
        lines.append(
            f"{name:26}{intent['metric']:8}{_number(parity['keras'][longest]['auc'][name]):>8}"
            + "".join(f"{_number(file['auc'][name]):>14}" for file in by_recipe.values())
            + f"{counts['positive']:>12,}{counts['positive'] + counts['negative']:>10,}"
        )
    return lines


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4f}"


def _file_lines(manifest: dict[str, Any], results: dict[str, Any]) -> list[str]:
    lines = [f"{'file':36}{'length':>8}{'size':>10}{'p50':>11}{'p90':>11}   where (single runs, one sample a run)"]
    sizes = {file["name"]: file["size_bytes"] for file in manifest["files"]}
    for case in results["cases"]:
        summary, device = case["summary"], case["device"]
        machine = device["serial"] if device else "host, not a phone"
        latency = [f"{summary[key]:.2f} ms" if summary else "n/a" for key in ("p50_ms", "p90_ms")]
        size = f"{sizes[case['file']] / 1e6:.2f} MB"
        lines.append(f"{case['file']:36}{case['max_length']:>8}{size:>10}{latency[0]:>11}{latency[1]:>11}   {machine}")
    return lines


def _verdict_lines(results: dict[str, Any]) -> list[str]:
    lines = []
    for case in results["cases"]:
        device = case["device"]
        machine = f"device {device['serial']}" if device else "host, not a phone"
        verdicts = ", ".join(f"{verdict} at {budget} ms" for budget, verdict in sorted(case["verdicts"].items()))
        problem = f" ({case['problem']})" if case["problem"] else ""
        lines.append(f"verdict: {case['file']}, length {case['max_length']}: {verdicts}{problem} [{machine}]")
    return lines + [f"note: {note}" for note in results["notes"]]
