"""Downloads over HTTPS from the host of public repositories, with size limit, timeout and retries."""

import contextlib
import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from lingon.core.errors import FetchError, NoNetwork
from lingon.core.progress import track

# The only place that knows the host. Tests replace it by a local server.
FILES_AT = "https://raw.githubusercontent.com"  # /OWNER/NAME/COMMIT/PATH
TREES_AT = "https://codeload.github.com"  # /OWNER/NAME/tar.gz/COMMIT

PATIENCE = 1800  # maximum seconds for one file
SILENCE = 30  # maximum seconds without a byte
PAUSES = (1, 4)  # seconds before each retry
PIECE = 1 << 16


class LineBroke(FetchError):
    """A download ended early, or the server was busy: a retry may succeed."""


def file_url(repository: str, commit: str, path: str) -> str:
    """Return the address of one file at a commit."""
    return f"{FILES_AT}/{repository}/{commit}/{quote(path)}"


def tree_url(repository: str, commit: str) -> str:
    """Return the address of all files at a commit, as a tar.gz."""
    return f"{TREES_AT}/{repository}/tar.gz/{commit}"


def download(url: str, to: Path, label: str, most: int, size: int | None = None) -> None:
    """Download `url` into a file; if the connection breaks, it is retried from the start, three tries in total.

    most: maximum number of bytes. size: the exact number, if known.
    Raises NoNetwork when the host cannot be reached, FetchError for anything else that goes wrong.
    """
    for pause in PAUSES:
        with contextlib.suppress(LineBroke):
            return _once(url, to, label, most, size)
        time.sleep(pause)
    return _once(url, to, label, most, size)


def _once(url: str, to: Path, label: str, most: int, size: int | None) -> None:
    request, end = urllib.request.Request(url, headers={"User-Agent": "lingon"}), time.monotonic() + PATIENCE
    with _explained(label), urllib.request.urlopen(request, timeout=SILENCE) as answer, open(to, "wb") as file:
        length = answer.headers.get("Content-Length") or ""
        promised = size or (int(length) if length.isdigit() else 0)
        came = 0
        with track(promised, f"fetching {label.rsplit('/', 1)[-1]}", "B") as bar:
            while piece := answer.read1(PIECE):
                came += len(piece)
                if came > most:
                    raise FetchError(f"{label}: more than {most:,} bytes came; do not use it")
                if time.monotonic() > end:
                    raise FetchError(f"{label} did not come within {PATIENCE // 60} minutes")
                file.write(piece)
                bar.advance(len(piece))
        if came < promised:
            raise LineBroke(f"{label} could not be fetched (it ended after {came:,} of {promised:,} bytes)")


@contextlib.contextmanager
def _explained(label: str) -> Iterator[None]:
    """Turn network errors of the standard library into our own; errors of the local disk stay as they are."""
    try:
        yield
    except urllib.error.HTTPError as error:
        kind = LineBroke if error.code >= 500 or error.code == 429 else FetchError
        raise kind(f"{label} could not be fetched (HTTP {error.code} {error.reason})") from None
    except urllib.error.URLError as error:  # no such host, no route, refused, an untrusted certificate
        raise NoNetwork(f"{label} could not be fetched ({_said(error.reason)})") from None
    except (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError) as error:
        raise LineBroke(f"{label} could not be fetched ({_said(error)})") from None


def _said(reason: BaseException | str) -> str:
    return str(getattr(reason, "strerror", None) or reason).strip() or type(reason).__name__
