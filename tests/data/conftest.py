"""A web server of our own in place of the host of public repositories."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lingon.data.sources import https


class Host:
    """Answers what `answers` says: a path and the bytes, or a function that gets the handler. Counts the requests."""

    def __init__(self):
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                host.asked.append(self.path)
                answer = host.answers.get(self.path)
                if callable(answer):
                    answer(self)
                elif answer is None:
                    self.send_error(404)
                else:
                    send(self, answer)

            def log_message(self, *_):
                pass

        self.answers, self.asked = {}, []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def send(handler, data, promised=None, status=200):
    """One answer; `promised` is the Content-Length, when it is not to be true."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(data) if promised is None else promised))
    handler.end_headers()
    handler.wfile.write(data)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty cache, no mirror, and no waiting between tries."""
    monkeypatch.setenv("LINGON_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LINGON_MIRROR", raising=False)
    monkeypatch.setattr(https, "PAUSES", (0, 0))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def host(own_cache, monkeypatch):
    """The server, in place of both addresses."""
    found = Host()
    monkeypatch.setattr(https, "FILES_AT", found.url)
    monkeypatch.setattr(https, "TREES_AT", found.url)
    yield found
    found.close()


@pytest.fixture
def no_network(own_cache, monkeypatch):
    """An address where nobody listens."""
    gone = Host()
    gone.close()
    monkeypatch.setattr(https, "FILES_AT", gone.url)
    monkeypatch.setattr(https, "TREES_AT", gone.url)
