"""Keep what TensorFlow, Keras and native code print from the terminal."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_native_stderr(*, show_failure: bool = True) -> Iterator[None]:
    """Hide what native code writes to file descriptor 2.

    Args:
        show_failure: If the block raises, show it after all.
    """
    try:
        sys.stderr.flush()
        saved = os.dup(2)
    except (OSError, ValueError, io.UnsupportedOperation, AttributeError):
        yield
        return
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            if show_failure:
                sink.seek(0)
                os.write(2, sink.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


@contextlib.contextmanager
def quiet_conversion() -> Iterator[None]:
    """Hide warnings, prints and log messages of TensorFlow and Keras during a conversion."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)
