"""Perdure over plain HTTP and JSON, with nothing but the standard library.

One class and one kind of error. It knows how to call, what may be called again, and how to read a stream; what a call
means stands in docs/protocol.md.
"""

import http.client
import json
import os
import random
import struct
import time
import urllib.parse
import uuid

# how long one call is tried again while the node is away, seconds
PATIENCE_S = 60
# statuses of a node that is overloaded, ends, or has just lost its store: the call was not carried out
AWAY = (429, 502, 503, 504)


class PerdureError(Exception):
    """An error of the table in docs/errors; `code` is for programs, the message for people."""

    def __init__(self, code, message, data=None):
        super().__init__(f"{message} [{code}]")
        self.code = code
        self.data = data or {}


class Away(OSError):
    """Nobody answered, or a node that cannot at the moment. Whether the call took effect is not known."""


class Perdure:
    """A node. Every call has a connection of its own, so threads may share one object."""

    def __init__(self, url=None, token=None):
        self.url = urllib.parse.urlsplit(url or os.environ.get("PERDURE_URL", "http://127.0.0.1:7400"))
        self.token = token or os.environ.get("PERDURE_TOKEN")

    def call(self, method, message, timeout=30, patience=PATIENCE_S):
        """Calls `JobService/Get` and the like; answers its response.

        A call whose answer is lost is repeated, so give `Enqueue`, `Report` and `Log` a `request` (see `request_id`):
        the node then knows the repetition. With `patience=0` nothing is repeated.

        Raises PerdureError when the node refuses, Away when it did not answer in all that time.
        """
        give_up = time.monotonic() + patience
        pause = 0.1
        while True:
            try:
                connection, response = self._post(method, json.dumps(message).encode(), "application/json", timeout)
                with connection:
                    body = response.read()
                if response.status == 200:
                    return json.loads(body)
                cause = error_of(response.status, body)
                if response.status not in AWAY:
                    raise cause
            except (OSError, http.client.HTTPException) as broken:
                cause = broken
            if time.monotonic() > give_up:
                raise Away(f"{method} was not answered: {cause}") from cause
            # half of the pause is random, so that workers that failed together do not come back together
            time.sleep(pause * random.uniform(0.5, 1))
            pause = min(pause * 2, 5)

    def stream(self, method, message, timeout=None):
        """Calls `JobService/Logs`, `JobService/Watch` or `NodeService/Tail`; yields its messages as they come.

        A stream is a row of frames, both ways: a byte of flags, four of length, and that many of JSON. The last one has
        the flag 2 and says how the stream ended. One that breaks off is begun again by whoever reads it.
        """
        body = json.dumps(message).encode()
        connection, response = self._post(
            method, struct.pack(">BI", 0, len(body)) + body, "application/connect+json", timeout
        )
        with connection:
            if response.status != 200:
                raise error_of(response.status, response.read())
            while True:
                head = response.read(5)
                if len(head) < 5:
                    raise Away("the stream broke off")
                flags, length = struct.unpack(">BI", head)
                frame = json.loads(response.read(length))
                if not flags & 2:
                    yield frame
                elif "error" in frame:
                    raise error_of(200, json.dumps(frame["error"]))
                else:
                    return

    def _post(self, method, body, content_type, timeout):
        headers = {"Content-Type": content_type}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        connect = http.client.HTTPSConnection if self.url.scheme == "https" else http.client.HTTPConnection
        connection = connect(self.url.hostname, self.url.port, timeout=timeout)
        try:
            connection.request("POST", f"/perdure.v1.{method}", body, headers)
            return Closing(connection), connection.getresponse()
        except BaseException:
            connection.close()
            raise


class Closing:
    """Closes a connection at the end of a `with`."""

    def __init__(self, connection):
        self.connection = connection

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


def request_id():
    """A new id for a call that may have to be repeated."""
    return str(uuid.uuid4())


def error_of(status, body):
    """The error of an answer. What is no answer of a node (a proxy in between) is named by its status."""
    try:
        answer = json.loads(body)
        details = [part["debug"] for part in answer.get("details", []) if part.get("type") == "perdure.v1.Error"]
        detail = details[0] if details else {"code": answer.get("code"), "message": answer.get("message")}
        return PerdureError(detail["code"], detail["message"], detail.get("data"))
    except (ValueError, KeyError, AttributeError):
        return PerdureError(f"HTTP_{status}", "no answer of a node")
