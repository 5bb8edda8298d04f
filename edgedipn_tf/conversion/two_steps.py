"""`encode` and `score_categories` against `predict` on real samples: they have to give the same probabilities.

The trunk of the model runs once, however many categories are scored, so an app may rank hundreds of them.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.converted_files import ConvertedFile
from edgedipn_tf.conversion.scoring import Arrays, FileRunner
from edgedipn_tf.conversion.signatures import ENCODE, PREDICT, SCORE_CATEGORIES, USER, SignatureKey, newest_steps

MAX_DIFFERENCE = 1e-6


def check_two_steps(files: Sequence[ConvertedFile], inputs: Arrays, views: Sequence[str]) -> dict[str, float]:
    """Compares both ways in every file that has them.

    Args:
        files: the files.
        inputs: of N samples at full length, (N, ...) by name.
        views: names of the inputs that have steps.

    Returns:
        The largest difference of a probability, over all lengths, by file name.

    Raises:
        InputError: when it is more than `MAX_DIFFERENCE`.
    """
    found = {}
    for file in files:
        score = file.runners.get(SignatureKey(SCORE_CATEGORIES))
        if score is None:
            continue
        lengths = [key.steps for key in file.runners if key.kind == ENCODE]
        found[file.name] = max(
            _largest_difference(
                file.runners[SignatureKey(PREDICT, length)],
                file.runners[SignatureKey(ENCODE, length)],
                score,
                newest_steps(inputs, views, length),
            )
            for length in lengths
        )
        if not found[file.name] <= MAX_DIFFERENCE:
            raise InputError(
                f"{file.name}: encode and score_categories are up to {found[file.name]:.2g} from predict, more than "
                f"{MAX_DIFFERENCE:g}: leave --encode out, or its recipe"
            )
    return found


def _largest_difference(predict: FileRunner, encode: FileRunner, score: FileRunner, inputs: Arrays) -> float:
    differences = []
    for row in range(len(next(iter(inputs.values())))):
        sample = {name: values[row : row + 1] for name, values in inputs.items()}
        expected = predict(sample)
        for intent, values in score_in_two_steps(encode, score, sample).items():
            differences.append(np.max(np.abs(values - expected[intent])))
    return float(np.max(differences))


def score_in_two_steps(encode: FileRunner, score: FileRunner, sample: Arrays) -> Mapping[str, np.ndarray]:
    """Returns the probabilities of all intents of one sample, as an app with more than K categories gets them.

    Args:
        encode: the signature of the sample's length.
        score: the signature that takes K candidates.
        sample: inputs of `predict`; any number of candidates.
    """
    encoded = dict(encode({name: values for name, values in sample.items() if name != "candidates"}))
    user, candidates = encoded.pop(USER), sample["candidates"]
    num_candidates, size = candidates.shape[1], score.shape("candidates")[1]
    padded = np.pad(candidates, ((0, 0), (0, -num_candidates % size), (0, 0)))
    parts = [
        score({USER: user, "candidates": padded[:, start : start + size]}) for start in range(0, padded.shape[1], size)
    ]
    for intent in parts[0]:
        encoded[intent] = np.concatenate([part[intent] for part in parts], axis=1)[:, :num_candidates]
    return encoded
