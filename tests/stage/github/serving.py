"""Serves GitHub alone, on a port of its own, for as long as a context lasts."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator

from hypercorn.asyncio import serve
from hypercorn.config import Config

from stage.github.app import GitHub


@contextlib.contextmanager
def serving(github: GitHub) -> Iterator[tuple[int, asyncio.AbstractEventLoop]]:
    """Serve from a thread; give the port, and the loop on which GitHub lives."""
    loop = asyncio.new_event_loop()
    over = asyncio.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.graceful_timeout = 0.1
    config.errorlog = None
    app = serve(github, config, shutdown_trigger=over.wait)  # type: ignore[arg-type]
    thread = threading.Thread(target=loop.run_until_complete, args=[app])
    thread.start()
    try:
        yield port, loop
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
