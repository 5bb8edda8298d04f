"""One Python worker of a runner on this machine, for Beam's PROCESS environment.

A task manager starts it with the addresses of its services: `--environment_type=PROCESS
--environment_options=process_command=FILE`, where FILE is an executable that runs this module. In a container Beam's
own `boot` program does the same, after installing what the job staged; here the project must be installed already.
"""

import argparse
import json
import os

import grpc
from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc, endpoints_pb2
from google.protobuf import json_format, text_format

_TIMEOUT_SECONDS = 60


def environment_of(worker_id: str, info: beam_provision_api_pb2.ProvisionInfo, control_url: str) -> dict[str, str]:
    """Returns the variables in which Beam's worker finds its settings.

    Args:
        worker_id: the name that the runner gave the worker.
        info: what the runner's provision service told: options of the pipeline, addresses.
        control_url: address of the control service where the provision service does not tell it.
    """
    control = info.control_endpoint if info.HasField("control_endpoint") else None
    variables = {
        "WORKER_ID": worker_id,
        "PIPELINE_OPTIONS": json.dumps(json_format.MessageToDict(info.pipeline_options)),
        "CONTROL_API_SERVICE_DESCRIPTOR": _descriptor(control.url if control else control_url),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
    }
    if info.HasField("logging_endpoint"):
        variables["LOGGING_API_SERVICE_DESCRIPTOR"] = _descriptor(info.logging_endpoint.url)
    return variables


def _descriptor(url: str) -> str:
    return str(text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=url)))


def _provision_info(url: str, worker_id: str) -> beam_provision_api_pb2.ProvisionInfo:
    with grpc.insecure_channel(url) as channel:
        service = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        request = beam_provision_api_pb2.GetProvisionInfoRequest()
        return service.GetProvisionInfo(request, timeout=_TIMEOUT_SECONDS, metadata=[("worker_id", worker_id)]).info


def main() -> None:
    """Runs the worker until its runner is done with it or gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--id", required=True)
    parser.add_argument("--provision_endpoint", required=True)
    parser.add_argument("--control_endpoint", default="")
    arguments, _ = parser.parse_known_args()  # runners pass more, which the provision service tells as well
    info = _provision_info(arguments.provision_endpoint, arguments.id)
    os.environ.update(environment_of(arguments.id, info, arguments.control_endpoint))
    from apache_beam.runners.worker import sdk_worker_main  # it reads WORKER_ID when it is imported

    sdk_worker_main.main([])


if __name__ == "__main__":
    main()
