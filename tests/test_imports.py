"""Imports point one way: schema -> discretization -> records -> Beam job and dataset; layers -> models -> training."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PACKAGES = ("edgedipn_tf", "beam_pipelines", "android_bench")
HEAVY = ("tensorflow", "keras", "ai_edge_litert", "tensorboard")

# Modules that a Beam worker, or a command before it parsed its flags, loads: they must not load TensorFlow.
LIGHT = (
    "edgedipn_tf/__init__.py",
    "edgedipn_tf/batching.py",
    "edgedipn_tf/charts.py",
    "edgedipn_tf/commands.py",
    "edgedipn_tf/dataset_report.py",
    "edgedipn_tf/discretize.py",
    "edgedipn_tf/examples.py",
    "edgedipn_tf/experiments/__main__.py",
    "edgedipn_tf/experiments/running.py",
    "edgedipn_tf/explanation_page.py",
    "edgedipn_tf/html_page.py",
    "edgedipn_tf/inspect_dataset.py",
    "edgedipn_tf/kept_memory.py",
    "edgedipn_tf/local_time.py",
    "edgedipn_tf/model_card.py",
    "edgedipn_tf/models/catalog.py",
    "edgedipn_tf/publishing.py",
    "edgedipn_tf/quickstart.py",
    "edgedipn_tf/random_keys.py",
    "edgedipn_tf/records.py",
    "edgedipn_tf/schema.py",
    "edgedipn_tf/schema_files.py",
    "edgedipn_tf/task_weights.py",
    "edgedipn_tf/vocabulary.py",
    "edgedipn_tf/window_cutting.py",
)

# Each room may import the rooms listed for it (and itself), nothing else of the project.
SHARED = ("schema", "commands", "publishing", "discretize", "local_time", "random_keys", "vocabulary")
ALLOWED = {
    "android_bench": {"android_bench"}
    | {f"edgedipn_tf.{name}" for name in ("charts", "commands", "html_page", "publishing", "ranking")},
    "beam_pipelines": {"beam_pipelines", "edgedipn_tf.simulation", "edgedipn_tf.records", "edgedipn_tf.examples"}
    | {f"edgedipn_tf.{name}" for name in ("dataset_report", "ranking", "schema_files")}
    | {f"edgedipn_tf.{name}" for name in SHARED},
    "edgedipn_tf.schema": set(),
    "edgedipn_tf.commands": set(),
    "edgedipn_tf.baselines": {"edgedipn_tf.baselines", "edgedipn_tf.calibration"}
    | {f"edgedipn_tf.{name}" for name in SHARED},
    "edgedipn_tf.layers": {"edgedipn_tf.layers", "edgedipn_tf.schema"},
    "edgedipn_tf.models": {"edgedipn_tf.models", "edgedipn_tf.layers", "edgedipn_tf.schema", "edgedipn_tf.commands"},
    "edgedipn_tf.simulation": {"edgedipn_tf.simulation"} | {f"edgedipn_tf.{name}" for name in SHARED},
    "edgedipn_tf.evaluation": {
        f"edgedipn_tf.{name}" for name in ("dataset", "finished_run", "metrics", "schema_files", "tensorflow_errors")
    }
    | {"edgedipn_tf.models", "edgedipn_tf.baselines"}
    | {f"edgedipn_tf.{name}" for name in SHARED},
    "edgedipn_tf.charts": set(),
    "edgedipn_tf.html_page": {"edgedipn_tf.charts"},
    # Datasets are made by commands of the Beam job, never by its modules.
    "edgedipn_tf.experiments": {"edgedipn_tf"},
    "edgedipn_tf.explanation_page": {"edgedipn_tf.schema", "edgedipn_tf.vocabulary"},
    "edgedipn_tf.model_card": set(),
    "edgedipn_tf.finished_run": {f"edgedipn_tf.{name}" for name in ("models", "baselines", "schema_files", "workdir")}
    | {f"edgedipn_tf.{name}" for name in SHARED},
    "edgedipn_tf.dataset": {
        f"edgedipn_tf.{name}"
        for name in (
            "batching",
            "kept_memory",
            "packed_batches",
            "pools",
            "records",
            "schema_files",
            "untuned",
            "window_cutting",
        )
    }
    | {f"edgedipn_tf.{name}" for name in SHARED},
}


def modules(package: str) -> list[pathlib.Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(path: pathlib.Path, top_level_only: bool = False) -> set[str]:
    """Dotted names that a module imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def test_every_package_has_modules() -> None:
    assert all(len(modules(package)) >= 5 for package in PACKAGES)


@pytest.mark.parametrize("path", LIGHT)
def test_light_modules_do_not_load_tensorflow(path: str) -> None:
    found = {name for name in imports(ROOT / path, top_level_only=True) if name.split(".")[0] in HEAVY}
    assert not found


@pytest.mark.parametrize("package", ["beam_pipelines"])
def test_the_beam_job_never_loads_tensorflow(package: str) -> None:
    for path in modules(package):
        assert not {name for name in imports(path) if name.split(".")[0] in HEAVY}, path


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_imports_only_what_lies_before_it(room: str) -> None:
    path = ROOT / room.replace(".", "/")
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    assert files
    for file in files:
        for name in imports(file):
            if name.split(".")[0] not in PACKAGES or name == "edgedipn_tf":
                continue
            assert any(name == other or name.startswith(f"{other}.") for other in ALLOWED[room]), (file, name)


def test_importing_the_beam_job_leaves_tensorflow_out() -> None:
    program = "import sys, beam_pipelines.pipeline; print(sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
