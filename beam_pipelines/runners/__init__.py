"""Runners of the discretization job beyond this process: a local Flink, Prism, Dataflow."""
