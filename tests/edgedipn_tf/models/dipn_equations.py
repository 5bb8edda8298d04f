"""DIPN once more, in NumPy float64, one sample at a time, equation by equation of section 4 of the paper.

Knows no mask and no batch: a view is the list of its real actions. Reads the weights of a model and none of its code.
"""

from collections.abc import Mapping

import keras
import numpy as np

from edgedipn_tf.models.dipn import DIPN
from tests.edgedipn_tf.models.edgedipn_equations import PAIRS, dense, embed, f64, gru_states, mlp, softmax


def _bi_gru(layer: keras.layers.Layer, e: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Equation 1 in both directions: h, the forward state of the newest action, the backward one of the oldest."""
    forward = gru_states(layer.forward.cell, e)
    backward = gru_states(layer.backward.cell, e[::-1])[::-1]
    if len(e) == 0:
        return np.zeros((0, 2 * layer.units)), np.zeros(layer.units), np.zeros(layer.units)
    return np.concatenate([forward, backward], axis=1), forward[-1], backward[0]


def _intra_view(layer: keras.layers.Layer, h: np.ndarray, h_n: np.ndarray) -> np.ndarray:
    """Equations 2 and 3."""
    if len(h) == 0:
        return h
    w_a = f64(layer.w_a.kernel).T  # as printed: 2d x d
    a = softmax(np.array([h_t @ w_a @ h_n for h_t in h]), axis=0)
    n = len(h) if layer.is_rescaled else 1
    return np.array([h_t * a_t * n for h_t, a_t in zip(h, a, strict=True)])


def _inter_view(s: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Equation 4; the newest actions are paired, then the ones before them, as far as both views go."""
    n, width = min(len(s), len(b)), s.shape[1]
    if n == 0:
        return np.zeros((0, width))
    a_s = softmax(b @ s.T / np.sqrt(width), axis=1) @ s
    a_b = softmax(s @ b.T / np.sqrt(width), axis=1) @ b
    return a_s[-n:] * a_b[-n:]


def _read(model: DIPN, steps: np.ndarray) -> np.ndarray:
    """All steps, zeros before them up to the length of the model; or their mean."""
    if model.readout == "flatten":
        missing = np.zeros((model.max_length - len(steps), model.units))
        return np.concatenate([missing, steps]).ravel()
    return steps.mean(axis=0) if len(steps) else np.zeros(model.units)


def _sequences(model: DIPN, inputs: Mapping[str, np.ndarray], i: int) -> dict[str, list[list[int]]]:
    """The real actions of each sequence of a sample, oldest first, each a list of ids."""
    views = [name for name in ("swipe", "tap", "browse") if name in model.sources]
    actions = {view: [list(ids) for ids in inputs[view][i] if ids[0] != 0] for view in views}
    if model.fusion == "late":
        return actions
    merged = []
    for number in reversed([n for n in inputs["view_order"][i] if n != 0]):
        ids = actions[views[number - 1]].pop()  # the newest that is left
        slots = [ids if v == views[number - 1] else [1] * inputs[v].shape[-1] for v in views]
        merged.insert(0, sum(slots, []))
    return {"merged": merged}


def forward(model: DIPN, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the logits by intent of a DIPN with any of its parts and sources left out."""
    logits = {intent.name: [] for intent in model.schema.intents}
    for i in range(len(inputs["profile"])):
        v, last = {}, []
        for view, actions in _sequences(model, inputs, i).items():
            e = embed(model.embeddings[view], np.array(actions)) if actions else np.zeros((0, model.units))
            h, forward_state, backward_state = _bi_gru(model.grus[view], e)
            v[view] = _intra_view(model.intra_views[view], h, forward_state) if model.has_intra_view else h
            last += [forward_state, backward_state]
        known = [_inter_view(v[s], v[b]) for s, b in PAIRS if model.has_inter_view and s in v and b in v]
        parts = [_read(model, steps) for steps in known or v.values()]
        parts += [
            embed(model.static_embeddings[s], inputs[s][i : i + 1])[0]
            for s in ("history", "profile")
            if s in model.sources
        ]
        x = np.concatenate([*parts, *last])
        for name, branch in model.branches.items():
            logits[name].append([mlp(branch, dense(branch.hidden_1, x))])
    return {name: np.array(rows) for name, rows in logits.items()}
