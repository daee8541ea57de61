"""A review served beside what a program does otherwise: by tests, and by whoever embeds it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from palpate.serve.web.run import listening


@contextmanager
def in_background(application: FastAPI, *, port: int = 0) -> Iterator[str]:
    """Answer on this machine from a thread until the block ends; gives the address.

    Args:
        application: as :func:`palpate.serve.web.app.create_app` makes it.
        port: 0 takes a free one.

    Raises:
        ConfigError: the port is taken.
    """
    with listening("127.0.0.1", port) as listener:
        config = uvicorn.Config(application, log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
