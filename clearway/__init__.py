"""The decision core of Clearway: assess, clear, choose, record."""

import os
from importlib.metadata import version

# Nothing phones home. Since 1.29 ONNX Runtime reports its use, and keeps a device id in the user's cache,
# unless it is told not to before it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__version__ = version("clearway")
