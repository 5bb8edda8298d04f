"""A program for the Python that has tflite-runtime: runs every signature with samples of a bundle, writes the outputs.

python run_tflite_runtime.py BUNDLE OUTPUT    (an .npz a file, signature and kind of kernels; nothing of this project)
"""

import json
import pathlib
import sys

import numpy as np
from tflite_runtime.interpreter import Interpreter


def main(bundle: pathlib.Path, output: pathlib.Path) -> None:
    """Runs all files of a bundle, with the runtime's own kernels and with XNNPACK's."""
    for file in json.loads((bundle / "manifest.json").read_text())["files"]:
        for kernels in ("built_in", "xnnpack"):
            interpreter = Interpreter(str(bundle / file["name"]), num_threads=1)
            if kernels == "xnnpack":
                interpreter.allocate_tensors()  # 2.14.0 hands the graph to XNNPACK here, never in a signature's runner
            runners = {each["name"]: interpreter.get_signature_runner(each["name"]) for each in file["signatures"]}
            for signature in file["signatures"]:
                if signature["kind"] in ("predict", "encode"):
                    samples = np.load(bundle / f"benchmark/predict_{signature['length']}.npz")
                    rows = [run(runners, signature, samples, row) for row in range(len(samples["history"]))]
                    found = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
                    np.savez(output / f"{file['name']}-{signature['name']}-{kernels}.npz", **found)


def run(runners: dict, signature: dict, samples: np.lib.npyio.NpzFile, row: int) -> dict[str, np.ndarray]:
    """Returns the outputs of one sample by name; `encode` is followed by `score_categories`."""
    inputs = {tensor["name"]: samples[tensor["name"]][row : row + 1] for tensor in signature["inputs"]}
    outputs = dict(runners[signature["name"]](**inputs))
    if signature["kind"] == "encode":
        score = runners["score_categories"]
        num_candidates = score.get_input_details()["candidates"]["shape"][1]
        # As many of the candidates (K', 2) as one call takes, again from the first where it takes more.
        candidates = np.resize(samples["candidates"][row], (1, num_candidates, 2))
        outputs.update(score(user=outputs.pop("user"), candidates=candidates))
    return outputs


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
