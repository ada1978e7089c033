"""HTTP/1.1 by hand, so that a test decides about every byte: slow, broken and odd requests too."""

import base64
import json
import socket
import ssl

from .paths import PATIENCE


class Closed(Exception):
    """The server closed the connection."""


class Connection:
    def __init__(self, address, tls=None, unix=None, patience=PATIENCE, receive_buffer=None):
        self.socket = socket.socket(socket.AF_UNIX if unix else
                                    socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(patience)
        self.socket.connect(str(unix) if unix else address)
        if not unix:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            context = ssl.create_default_context(cafile=tls)
            context.check_hostname = False
            self.socket = context.wrap_socket(self.socket, server_hostname=address[0])
        self.host_header = "localhost" if unix else f"{address[0]}:{address[1]}"
        self.buffer = b""

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def more(self):
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError) as e:
            raise Closed(str(e)) from None
        if not data:
            raise Closed("end of stream")
        self.buffer += data

    def read_until(self, mark):
        while mark not in self.buffer:
            self.more()
        line, _, self.buffer = self.buffer.partition(mark)
        return line

    def read_exactly(self, n):
        while len(self.buffer) < n:
            self.more()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def send_request(self, method, path, headers=None, body=None, defaults=True):
        """Sends one request; a header whose value is None is left out."""
        all_headers = {"Host": self.host_header} if defaults else {}
        if body is not None and defaults:
            all_headers["Content-Length"] = str(len(body))
        for name, value in (headers or {}).items():
            all_headers = {k: v for k, v in all_headers.items() if k.lower() != name.lower()}
            if value is not None:
                all_headers[name] = value
        head = f"{method} {path} HTTP/1.1\r\n"
        for name, value in all_headers.items():
            for one in value if isinstance(value, list) else [value]:
                head += f"{name}: {one}\r\n"
        self.send(head.encode("latin-1") + b"\r\n" + (body or b""))

    def read_response(self, method="POST"):
        return Response(self, method)


class Response:
    """Status and headers; the body is read when asked for, whole or by piece."""

    def __init__(self, connection, method):
        self.connection = connection
        lines = connection.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, *_ = lines[0].split(" ")
        assert version in ("HTTP/1.1", "HTTP/1.0"), lines[0]
        self.status = int(status)
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            old = self.headers.get(name)
            self.headers[name] = value.strip() if old is None else f"{old}, {value.strip()}"
        self.chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        length = self.headers.get("content-length")
        self.left = int(length) if length is not None else None
        self.done = method == "HEAD" or self.status in (204, 304) or self.left == 0
        self.text = b""
        self.is_stream = self.headers.get("content-type", "").startswith("text/event-stream")

    def piece(self):
        """Some bytes of the body; b"" at its end."""
        if self.done:
            return b""
        c = self.connection
        if self.chunked:
            size = int(c.read_until(b"\r\n").split(b";")[0], 16)
            data = c.read_exactly(size)
            assert c.read_exactly(2) == b"\r\n"
            self.done = size == 0
            return data
        if self.left is None:
            try:
                if not c.buffer:
                    c.more()
            except Closed:
                self.done = True
                return b""
            data, c.buffer = c.buffer, b""
            return data
        if not c.buffer:
            c.more()
        data, c.buffer = c.buffer[:self.left], c.buffer[self.left:]
        self.left -= len(data)
        self.done = self.left == 0
        return data

    def body(self):
        data = self.text
        self.text = b""
        while True:
            piece = self.piece()
            if not piece:
                return data
            data += piece

    def json(self):
        return json.loads(self.body())

    def events(self):
        """The events of an SSE stream as they come: dicts with data, and id, event, retry if given.
        Comments come as {"comment": text}."""
        event = {}
        while True:
            while b"\n" not in self.text:
                piece = self.piece()
                if not piece:
                    assert not self.text and not event, f"the stream ends inside an event: {event}"
                    return
                self.text += piece
            line, _, self.text = self.text.partition(b"\n")
            line = line.rstrip(b"\r").decode("utf-8")
            if line == "":
                if event:
                    yield event
                event = {}
            elif line.startswith(":"):
                yield {"comment": line[1:].strip()}
            else:
                name, _, value = line.partition(":")
                value = value.removeprefix(" ")
                event[name] = f"{event[name]}\n{value}" if name == "data" and "data" in event \
                    else value


def header_value(text):
    """A value as MCP wants it in Mcp-Name and Mcp-Param-*: plain, or base64 in the sentinel."""
    plain = all(0x20 <= ord(c) < 0x7F for c in text) and text == text.strip() and text != "" \
        and not (text.startswith("=?base64?") and text.endswith("?="))
    return text if plain else f"=?base64?{base64.b64encode(text.encode()).decode()}?="
