"""Connections that are one stream, as stdio is: WebSocket (RFC 6455, by hand, so that a test decides
about every byte), and HTTP+SSE of revision 2024-11-05. Each message is checked as it passes."""

import base64
import hashlib
import json
import os
import socket
import struct
import threading

from .client import StdioClient
from .host import eventually
from .http import Closed, Connection

CONTINUE, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def mask(key, data):
    """Puts a mask on, or takes it off."""
    turned = (key * (len(data) // 4 + 1))[:len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(turned, "big")).to_bytes(len(data), "big")


def frame(opcode, payload=b"", fin=True, key=None, masked=True, first=None, length=None):
    """One frame of a client; `first` and `length` lie about it."""
    head = bytes([first if first is not None else (0x80 if fin else 0) | opcode])
    length = len(payload) if length is None else length
    bit = 0x80 if masked else 0
    if length < 126:
        head += bytes([bit | length])
    elif length < 65536:
        head += struct.pack(">BH", bit | 126, length)
    else:
        head += struct.pack(">BQ", bit | 127, length)
    key = os.urandom(4) if key is None else key
    return head + (key + mask(key, payload) if masked else payload)


class WebSocket:
    """One connection after its handshake."""

    def __init__(self, host, path=None, headers=None, tls=None, unix=None, subprotocol="mcp",
                 receive_buffer=None):
        self.connection = Connection(getattr(host, "address", ("localhost", 0)), tls, unix,
                                     receive_buffer=receive_buffer)
        key = base64.b64encode(os.urandom(16)).decode()
        self.connection.send_request("GET", path or getattr(host, "path", "/mcp"), {
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key, "Sec-WebSocket-Protocol": subprotocol, **(headers or {})})
        self.response = self.connection.read_response("GET")
        assert self.response.status == 101, self.response.status
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        assert self.response.headers["sec-websocket-accept"] == accept
        assert self.response.headers.get("sec-websocket-protocol") == subprotocol
        assert "sec-websocket-extensions" not in self.response.headers

    def send(self, data):
        self.connection.send(data)

    def send_text(self, text):
        self.send(frame(TEXT, text.encode() if isinstance(text, str) else text))

    def send_json(self, message):
        self.send_text(json.dumps(message, ensure_ascii=False))

    def read_frame(self):
        """(opcode, payload); a server sends whole frames without a mask."""
        first, second = self.connection.read_exactly(2)
        assert first & 0xF0 == 0x80, f"a fragment, or a reserved bit: {first:#x}"
        assert second < 128, "a server's frame has a mask"
        length = second
        if second == 126:
            length, = struct.unpack(">H", self.connection.read_exactly(2))
            assert length > 125
        elif second == 127:
            length, = struct.unpack(">Q", self.connection.read_exactly(8))
            assert length > 65535
        return first & 15, self.connection.read_exactly(length)

    def read_message(self):
        """The next text message; pings are answered meanwhile."""
        while True:
            opcode, payload = self.read_frame()
            if opcode == TEXT:
                return payload.decode("utf-8")
            if opcode == PING:
                self.send(frame(PONG, payload))
            elif opcode == CLOSE:
                status = int.from_bytes(payload[:2], "big") if payload else 1005
                raise Closed(f"{status} {payload[2:].decode('utf-8')}")

    def read_close(self):
        """(status, reason) of the Close frame, after which the server ends the connection."""
        while True:
            opcode, payload = self.read_frame()
            if opcode == CLOSE:
                break
        try:
            while True:
                self.connection.more()
        except Closed:
            pass
        assert not self.connection.buffer, "something comes after a Close frame"
        return int.from_bytes(payload[:2], "big"), payload[2:].decode("utf-8")

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class StreamClient(StdioClient):
    """What reads messages from some connection; `receive` yields each as text."""

    def stop_reading(self, connection):
        """Before the connection is closed: its number will be another one's."""
        try:
            connection.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        eventually(lambda: self.broken, "the end of what is read")

    def read(self):
        try:
            for text in self.receive():
                message = json.loads(text)
                for one in message if isinstance(message, list) else [message]:  # 2025-03-26
                    self.take(one)
            self.broken = Closed("the server ended the stream")
        except Exception as e:  # told to whoever waits
            self.broken = e
        for pending in list(self.pending.values()):
            pending.fail(self.broken)
        self.notifications.fail(self.broken)
        self.raw.put(self.broken)

    def send_batch(self, messages):
        self.send_message(messages)


class WebSocketClient(StreamClient):
    def __init__(self, host, revision, **options):
        self.socket = WebSocket(host, **options)
        super().__init__(host, revision)

    def write(self, data):
        """Sends the bytes of one message as they are."""
        with self.lock:
            self.socket.send(frame(TEXT, data))

    def send_message(self, message):
        self.write(json.dumps(message, ensure_ascii=False).encode())

    def receive(self):
        while True:
            yield self.socket.read_message()

    def close(self):
        self.stop_reading(self.socket.connection)
        self.socket.close()


class SseClient(StreamClient):
    """One connection for events, and one for each thread that sends."""

    def __init__(self, host, revision, headers=None, tls=None, unix=None, path="/sse"):
        self.options = (getattr(host, "address", ("localhost", 0)), tls, unix)
        self.headers = headers or {}
        self.stream = Connection(*self.options)
        self.stream.send_request("GET", path, {"Accept": "text/event-stream", **self.headers})
        response = self.stream.read_response("GET")
        assert response.status == 200 and response.is_stream, (response.status, response.headers)
        self.events = response.events()
        first = next(self.events)
        assert first["event"] == "endpoint", first
        self.endpoint = first["data"]
        self.sending = threading.local()
        self.senders = []
        super().__init__(host, revision)

    def post(self, body, headers=None, endpoint=None):
        if not hasattr(self.sending, "connection"):
            self.sending.connection = Connection(*self.options)
            self.senders.append(self.sending.connection)
        connection = self.sending.connection
        connection.send_request("POST", endpoint or self.endpoint, {
            "Content-Type": "application/json", **self.headers, **(headers or {})}, body)
        response = connection.read_response("POST")
        response.content = response.body()
        if response.headers.get("connection") == "close":
            connection.close()
            del self.sending.connection
        return response

    def write(self, data):
        """Sends the bytes of one message as they are."""
        response = self.post(data)
        assert response.status == 202 and response.content == b"", \
            (response.status, response.content)

    def send_message(self, message):
        self.write(json.dumps(message, ensure_ascii=False).encode())

    def receive(self):
        for event in self.events:
            if "data" not in event:
                continue
            assert event["event"] == "message", event
            yield event["data"]

    def close(self):
        self.stop_reading(self.stream)
        for connection in [self.stream, *self.senders]:
            connection.close()
