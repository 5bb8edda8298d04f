"""Public logs in the format of the project: one module a log, `python -m beam_pipelines.import_logs`."""
