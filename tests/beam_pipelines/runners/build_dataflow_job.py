"""Program: what DataflowRunner would send for the job, without a cloud; run in an environment that holds the package.

    python build_dataflow_job.py LOGS SETUP_FILE

Prints, as JSON, transforms of the graph, tables that it reads, the image of the workers and the staged packages.
What BigQuery would tell of a table is given.
"""

import json
import pathlib
import sys
from typing import Any

import apache_beam
from absl import flags
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner

import beam_pipelines
from beam_pipelines import bigquery_tables, discretize_events, options, output_files, pipeline, reading
from beam_pipelines.inputs import inputs_of
from edgedipn_tf.schema import edgedipn_schema

COLUMN_TYPES = {"user_id": "STRING", "timestamp_ms": "INTEGER", "action": "STRING", "comment": "STRING"}


def reads_of_tables(components: Any) -> list[dict[str, str]]:
    """What Dataflow is told of the transforms that read tables."""
    found = []
    for transform in components.transforms.values():
        if transform.spec.urn == common_urns.deprecated_primitives.READ.urn:
            told = [beam_runner_api_pb2.LabelledPayload.FromString(data.payload) for data in transform.display_data]
            found.append({item.key: item.string_value for item in told})
    return [told for told in found if "table_reference" in told]


def main(logs: str, setup_file: str) -> None:
    values = flags.FlagValues()
    discretize_events.define_flags(values)
    values(["", "--output=gs://bucket/dataset", "--evaluation_date=2021-03-04"])
    job = options.from_flags(values)
    schema = edgedipn_schema("UTC", job.local_time.version)
    inputs = inputs_of(schema)
    bigquery_tables.column_types = lambda url: COLUMN_TYPES
    pieces = reading.find_pieces(inputs["browse"], [f"{logs}/browse", "bq://other-project.shop.browse"])
    arguments = ["--runner=DataflowRunner", "--project=project", "--region=europe-west4", "--job_name=discretize"]
    arguments += [
        "--temp_location=gs://bucket/temp",
        "--staging_location=gs://bucket/staging",
        f"--setup_file={setup_file}",
    ]
    arguments += ["--no_auth", "--dry_run=True"]
    beam_options = pipeline.parse_beam_options(arguments, list(values))
    folder = output_files.RemoteFolder("gs://bucket/dataset")
    graph = pipeline.build_pipeline(beam_options, pieces, inputs, schema, job, folder)
    sent = DataflowRunner().run_pipeline(graph, beam_options).job.proto_pipeline
    environments = list(sent.components.environments.values())
    print(
        json.dumps(
            {
                "package": str(pathlib.Path(beam_pipelines.__file__).parent),
                "transforms": sorted(transform.unique_name for transform in sent.components.transforms.values()),
                "tables": reads_of_tables(sent.components),
                "images": [environment.payload.decode(errors="replace") for environment in environments],
                "staged": [str(d.role_payload) for e in environments for d in e.dependencies],
                "version": apache_beam.__version__,
                "loaded": sorted({"tensorflow", "keras"} & set(sys.modules)),
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
