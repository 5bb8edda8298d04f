"""EdgeDIPN once more, in NumPy float64, one sample at a time, equation by equation of section 3 of the paper.

Knows no mask and no batch: a view is the list of its real actions. Reads the weights of a model and none of its code.
"""

from collections.abc import Mapping

import keras
import numpy as np

from edgedipn_tf.models.edgedipn import EdgeDIPN
from edgedipn_tf.schema import Level

PAIRS = (("swipe", "browse"), ("swipe", "tap"), ("tap", "browse"))


def f64(variable: keras.Variable) -> np.ndarray:
    return variable.value.numpy().astype(np.float64)


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def dense(layer: keras.layers.Layer, x: np.ndarray) -> np.ndarray:
    y = x @ f64(layer.kernel)
    return y + f64(layer.bias) if layer.use_bias else y


def embed(layer: keras.layers.Layer, ids: np.ndarray) -> np.ndarray:
    """Section 3.1: (n, F) ids -> (n, D)."""
    tables = [f64(table) for table in layer.tables]
    rows = [np.concatenate([table[i] for table, i in zip(tables, row, strict=True)]) for row in ids]
    return dense(layer.projection, np.array(rows))


def _multi_level(layer: keras.layers.Layer, e: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Equations 2 and 3, and the penalty of 9, for n real actions; n may be 0."""
    n, d = e.shape
    if n == 0:
        return np.zeros(d), e, 0.0
    w_s1, w_s2 = f64(layer.w_s1.kernel).T, f64(layer.w_s2.kernel).T  # as printed: they stand left of the vector
    a = softmax(w_s2 @ np.tanh(w_s1 @ e.T), axis=1)
    r = a @ e
    r_f = dense(layer.w_f, np.concatenate(list(r)))
    hops = len(a)
    penalty = np.linalg.norm(a @ a.T - np.eye(hops), "fro") ** 2 if n >= hops else 0.0
    kept = np.sort(np.argsort(-a.sum(axis=0), kind="stable")[: layer.num_kept])  # all, when it is None
    factors = {"channel": r.mean(axis=0), "step": n * a.mean(axis=0)[:, np.newaxis]}[layer.reweighting]
    return r_f, (e * factors)[kept], penalty


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def gru_states(cell: keras.layers.Layer, e: np.ndarray) -> np.ndarray:
    """DIPN, equation 1: (n, D) -> the states (n, d)."""
    (w_z, w_r, w_h), (u_z, u_r, u_h) = (np.split(f64(w), 3, axis=1) for w in (cell.kernel, cell.recurrent_kernel))
    b_z, b_r, b_h = np.split(f64(cell.bias), 3)
    h, states = np.zeros(len(b_z)), []
    for x in e:
        r, z = _sigmoid(x @ w_r + h @ u_r + b_r), _sigmoid(x @ w_z + h @ u_z + b_z)
        h = z * h + (1 - z) * np.tanh(x @ w_h + (r * h) @ u_h + b_h)
        states.append(h)
    return np.reshape(states, (-1, len(h)))


def _gru(layer: keras.layers.Layer, e: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    states = gru_states(layer.gru.cell, e)
    return (states[-1] if len(e) else np.zeros(layer.units)), states, 0.0


def _fast_grnn(layer: keras.layers.Layer, e: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """FastGRNN, section 3.2; of the low-rank form each matrix is a product."""
    cell, d = layer.recurrence.cell, layer.units
    w, u = (np.linalg.multi_dot([np.eye(len(m[0])), *m]) for m in (
        [f64(factor.kernel) for factor in layer.w], [f64(factor) for factor in cell.recurrent]))  # fmt: skip
    h, states = np.zeros(d), []
    for x in e:
        z = _sigmoid(x @ w + h @ u + f64(cell.bias_z))
        mix = _sigmoid(f64(cell.zeta)) * (1 - z) + _sigmoid(f64(cell.nu))
        h = mix * np.tanh(x @ w + h @ u + f64(cell.bias_h)) + z * h
        states.append(h)
    return h, np.reshape(states, (-1, d)), 0.0


_ENCODERS = {
    "attention": _multi_level,
    "attention_top64": _multi_level,
    "attention_by_step": _multi_level,
    "gru": _gru,
    "fastgrnn": _fast_grnn,
    "fastgrnn_lowrank": _fast_grnn,
}


def _inter_view(s: np.ndarray, b: np.ndarray, product: str) -> np.ndarray:
    """Equation 4; the newest actions are paired, then the ones before them, as far as both views go."""
    n, d = min(len(s), len(b)), s.shape[1]
    if n == 0:
        return np.zeros(d)
    a_s = softmax(b @ s.T / np.sqrt(d), axis=1) @ s
    a_b = softmax(s @ b.T / np.sqrt(d), axis=1) @ b
    return {"rows": (a_s[-n:] * a_b[-n:]).mean(axis=0), "pooled": a_s.mean(axis=0) * a_b.mean(axis=0)}[product]


def _data_level(layer: keras.layers.Layer, sources: np.ndarray) -> np.ndarray:
    """Equation 5."""
    scores = [f64(layer.w_r2.kernel)[:, 0] @ np.tanh(dense(layer.w_r1, r)) for r in sources]
    return sources * softmax(np.array(scores), axis=0)[:, np.newaxis]


def _task_attention(kind: str, layer: keras.layers.Layer, sources: np.ndarray) -> np.ndarray:
    """Equations 5, 6 and 7 for the sources D (S, D) of one task, as far as a variant has them."""
    if kind == "none":
        return sources
    if kind == "data":
        return _data_level(layer, sources)
    m = _data_level(layer.data_level, sources)
    attended = {"full": m, "parallel": sources}[kind]
    feature, gate = layer.feature_level, layer.gate
    m_prime = attended * softmax(dense(feature.w_f2, np.tanh(dense(feature.w_f1, attended))), axis=0)
    f = _sigmoid(dense(gate.w_data, m) + dense(gate.w_feature, m_prime))
    return f * m + (1 - f) * m_prime


def mlp(head: keras.layers.Layer, before_relu: np.ndarray) -> float:
    hidden = np.maximum(dense(head.hidden_2, np.maximum(before_relu, 0)), 0)
    return float(dense(head.logit, hidden)[0])


def _head(model: EdgeDIPN, name: str, level: Level, o: np.ndarray, candidates: np.ndarray) -> list[float]:
    flat = np.concatenate(list(o))
    if level is Level.NONE:
        head = model.user_heads[name]
        return [mlp(head, dense(head.hidden_1, flat))]
    browse = model.schema.view("browse")
    tables = {f.name: f64(t) for f, t in zip(browse.features, model.embeddings["browse"].tables, strict=True)}
    head, logits = model.category_heads[name], []
    for leaf, top in candidates:
        top_embedding = tables["top_category"][top]
        parts = {Level.TOP: [top_embedding], Level.LEAF: [tables["leaf_category"][leaf], top_embedding]}[level]
        logits.append(mlp(head, dense(head.hidden_1, flat) + dense(head.hidden_1_candidate, np.concatenate(parts))))
    return logits


def forward(model: EdgeDIPN, inputs: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], float]:
    """Returns the logits by intent of an EdgeDIPN with any of its parts and views left out, and the sum over views of
    the mean penalty."""
    logits = {intent.name: [] for intent in model.schema.intents}
    penalties = []
    for i in range(len(inputs["profile"])):
        r_f, v = {}, {}
        for view in (name for name in ("swipe", "tap", "browse") if name in model.views):
            ids = inputs[view][i]
            e = embed(model.embeddings[view], ids[ids[:, 0] != 0]) if ids.any() else np.zeros((0, model.units))
            r_f[view], v[view], penalty = _ENCODERS[model.encoder](model.encoders[view], e)
            penalties.append(penalty)
        sources = np.array([
            *r_f.values(),
            *(
                _inter_view(v[s], v[b], model.inter_view.product)
                for s, b in PAIRS
                if model.has_inter_view and s in v and b in v
            ),
            embed(model.history_embedding, inputs["history"][i : i + 1])[0],
            embed(model.profile_embedding, inputs["profile"][i : i + 1])[0],
        ])  # fmt: skip
        for intent in model.schema.intents:
            o = _task_attention(model.task_attention, model.task_attentions[intent.name], sources)
            logits[intent.name].append(_head(model, intent.name, intent.level, o, inputs["candidates"][i]))
    return {name: np.array(rows) for name, rows in logits.items()}, sum(penalties) / len(inputs["profile"])
