"""The papers' experiments: suites of training runs, their estimates with intervals over users, their reports."""
