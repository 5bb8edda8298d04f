"""EdgeDIPN (VLDB 2021) in TensorFlow: from raw app events to an int8 model judged on a phone.

Imports nothing: a Beam worker that needs the schema must not load TensorFlow.
"""

__version__ = "0.1.0"
