"""The data job: raw event logs in, a dataset of samples out. Imports nothing heavy, so that workers start fast."""
