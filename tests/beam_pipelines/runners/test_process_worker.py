"""A worker's settings as the runner's provision service tells them."""

import json

from apache_beam.portability.api import beam_provision_api_pb2, endpoints_pb2
from google.protobuf import json_format, struct_pb2, text_format

from beam_pipelines.runners.process_worker import environment_of


def url_of(descriptor: str) -> str:
    return text_format.Parse(descriptor, endpoints_pb2.ApiServiceDescriptor()).url


def test_the_runner_tells_options_and_addresses() -> None:
    options = json_format.ParseDict({"beam:option:job_name:v1": "discretize"}, struct_pb2.Struct())
    info = beam_provision_api_pb2.ProvisionInfo(
        pipeline_options=options,
        logging_endpoint=endpoints_pb2.ApiServiceDescriptor(url="localhost:1"),
        control_endpoint=endpoints_pb2.ApiServiceDescriptor(url="localhost:2"),
        runner_capabilities=["a", "b"],
    )
    variables = environment_of("3-1", info, "localhost:9")
    assert variables["WORKER_ID"] == "3-1"
    assert json.loads(variables["PIPELINE_OPTIONS"]) == {"beam:option:job_name:v1": "discretize"}
    assert url_of(variables["LOGGING_API_SERVICE_DESCRIPTOR"]) == "localhost:1"
    assert url_of(variables["CONTROL_API_SERVICE_DESCRIPTOR"]) == "localhost:2"
    assert variables["RUNNER_CAPABILITIES"] == "a b"


def test_an_address_that_the_service_does_not_tell_is_the_commands() -> None:
    variables = environment_of("1", beam_provision_api_pb2.ProvisionInfo(), "localhost:9")
    assert url_of(variables["CONTROL_API_SERVICE_DESCRIPTOR"]) == "localhost:9"
    assert "LOGGING_API_SERVICE_DESCRIPTOR" not in variables
