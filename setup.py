"""Package metadata and entry points. Beam ships the package to its workers with --setup_file=./setup.py.

So what is always installed is what a Beam worker needs; what models need is the extra `model`.
"""

import pathlib

import setuptools

ROOT = pathlib.Path(__file__).parent

setuptools.setup(
    name="edgedipn-tf",
    version="0.1.0",
    description="EdgeDIPN: from raw app events to an int8 intent model judged on the phone",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11,<3.12",
    packages=setuptools.find_packages(include=["edgedipn_tf*", "beam_pipelines*", "android_bench*"]),
    package_data={
        "android_bench": ["runner/*.c", "runner/*.h", "runner/android/*.c"],
        "beam_pipelines": ["runners/flink_pom.xml", "runners/dataflow/Dockerfile", "runners/dataflow/*.json"],
    },
    install_requires=[
        "absl-py>=2.5",
        "apache-beam>=2.77",
        "fastavro>=1.13",
        "google-crc32c>=1.9",
        "numpy>=2.4",
        "pyarrow>=25",
        "tzdata",
    ],
    extras_require={
        "model": [
            "ai-edge-litert>=2.3",
            "flatbuffers>=25",
            "keras>=3.15",
            "lightgbm>=4.7",
            "scipy>=1.17",
            "tensorboard>=2.21",
            "tensorflow-cpu>=2.21,<2.22",
            "tensorflow-datasets>=4.9.10",
        ],
        "dataflow": ["apache-beam[gcp]>=2.77"],
        "android": ["ziglang==0.17.1"],  # pinned exactly: another compiler gives other bytes
        "benchmarks": ["polars==2.1.0"],  # what the discretization is measured against
        "maven": ["pyelftools>=0.33"],
        "dev": ["hypothesis", "mypy", "pytest", "pytest-timeout", "pytest-xdist", "ruff"],
    },
    entry_points={
        "console_scripts": [
            "edgedipn-simulate-events = beam_pipelines.simulate_events:cli",
            "edgedipn-simulation-oracle = beam_pipelines.simulation_oracle:cli",
            "edgedipn-import-logs = beam_pipelines.import_logs.__main__:cli",
            "edgedipn-discretize-events = beam_pipelines.discretize_events:cli",
            "edgedipn-local-flink = beam_pipelines.runners.local_flink:cli",
            "edgedipn-inspect-dataset = edgedipn_tf.inspect_dataset:cli",
            "edgedipn-materialize-dataset = edgedipn_tf.materialize_dataset:cli",
            "edgedipn-train = edgedipn_tf.train:cli",
            "edgedipn-evaluate = edgedipn_tf.evaluate:cli",
            "edgedipn-experiments = edgedipn_tf.experiments.__main__:cli",
            "edgedipn-convert = edgedipn_tf.convert:cli",
            "edgedipn-android-bench = android_bench.__main__:cli",
            "edgedipn-build-runner = android_bench.build_runner:cli",
        ]
    },
)
