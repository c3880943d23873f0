"""onnxruntime sessions over bytes that were verified."""

from __future__ import annotations

from typing import Any

from clearway.errors import BundleError


def open_session(name: str, model: bytes, n_threads: int = 1) -> Any:
    """Session of a graph; one may be shared between threads.

    Args:
        name: File name, for the error.
        model: Bytes of the ONNX graph.
        n_threads: Threads within one call.

    Raises:
        BundleError: The graph does not load.
    """
    import onnxruntime  # here, because it costs 50 ms and not every command scores

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Weights come from the verified bytes alone: where a model names a file beside it, there is none.
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", "/dev/null/no-such-folder"
    )
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no public class
        raise BundleError(f"{name}: expected a loadable graph, got {type(error).__name__}") from error
