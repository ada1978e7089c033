"""A server of MCP over HTTP that a test writes byte by byte: late, broken, hostile, gone.

    def answer(x):                      # one request, on a thread of its connection
        if x.method == "tools/call":
            x.reply(503, {"Retry-After": "1"})
        else:
            x.usual()
    with OddServer(answer) as server:
        probe.open(url=server.url)

`usual()` answers what a sound server would: of the stateless era, or of the handshake era with a
session if the server was made with `revision` and `session`.
"""

import json
import socket
import ssl
import threading

from .paths import PATIENCE

STATELESS, HANDSHAKE = "2026-07-28", "2025-11-25"
TOOLS = [{"name": "echo", "inputSchema": {"type": "object"}}]
REASONS = {200: "OK", 202: "Accepted"}


class Exchange:
    """One request: verb, path, headers (names in lower case), body; `method` of its message."""

    def __init__(self, server, connection, number):
        self.server, self.socket, self.connection = server, connection, number
        head = b""
        while b"\r\n\r\n" not in head:
            more = connection.recv(65536)
            if not more:
                raise ConnectionError
            head += more
        head, _, self.raw_body = head.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.verb, self.path, _ = lines[0].split(" ")
        self.lines = lines[1:]
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        while len(self.raw_body) < int(self.headers.get("content-length", 0)):
            self.raw_body += connection.recv(65536)
        self.message = json.loads(self.raw_body) if self.raw_body else {}
        self.method = self.message.get("method")
        self.id = self.message.get("id")
        self.params = self.message.get("params", {})

    # ------------------------------------------------------------ answers

    def raw(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def head(self, status, headers=None):
        self.raw(f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}\r\n"
                 + "".join(f"{k}: {v}\r\n" for k, v in (headers or {}).items()) + "\r\n")

    def reply(self, status, headers=None, body=b""):
        body = body if isinstance(body, bytes) else body.encode()
        self.head(status, {"Content-Length": len(body), **(headers or {})})
        self.raw(body)

    def json(self, message, status=200, headers=None):
        self.reply(status, {"Content-Type": "application/json", **(headers or {})},
                   json.dumps(message))

    def result(self, result, **more):
        self.json({"jsonrpc": "2.0", "id": self.id, "result": result}, **more)

    def error(self, code, message, **more):
        self.json({"jsonrpc": "2.0", "id": self.id, "error": {"code": code, "message": message}},
                  **more)

    def text(self, text):
        self.result({"content": [{"type": "text", "text": text}], "resultType": "complete"})

    def stream(self, headers=None):
        self.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked",
                        **(headers or {})})

    def chunk(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    def event(self, message=None, id=None, retry=None, event=None):
        data = json.dumps(message) if message is not None else ""
        self.chunk("".join(f"{name}: {value}\n" for name, value in
                           (("event", event), ("id", id), ("retry", retry), ("data", data))
                           if value is not None) + "\n")

    def answer_event(self, text, **more):
        self.event({"jsonrpc": "2.0", "id": self.id,
                    "result": {"content": [{"type": "text", "text": text}],
                               "resultType": "complete"}}, **more)

    def end(self):
        self.raw(b"0\r\n\r\n")

    def close(self):
        """No more on this connection."""
        raise ConnectionError

    def wait_until_gone(self):
        """Until the client has closed the connection."""
        self.server.waiting.release()
        try:
            while self.socket.recv(4096):
                pass
        except OSError:
            pass
        self.server.gone.release()
        raise ConnectionError

    def usual(self):
        server = self.server
        if self.method == "server/discover" and server.revision == STATELESS:
            self.result({"resultType": "complete", "supportedVersions": [STATELESS],
                         "capabilities": {"tools": {}},
                         "serverInfo": {"name": "odd", "version": "1"},
                         "ttlMs": 0, "cacheScope": "public"})
        elif self.method == "initialize" and server.revision != STATELESS:
            headers = {"Mcp-Session-Id": server.session} if server.session else {}
            self.result({"protocolVersion": server.revision, "capabilities": {"tools": {}},
                         "serverInfo": {"name": "odd", "version": "1"}}, headers=headers)
        elif self.method == "tools/list":
            self.result({"tools": TOOLS, "resultType": "complete", "ttlMs": 0,
                         "cacheScope": "public"})
        elif self.method == "tools/call":
            self.text(self.params.get("arguments", {}).get("text", ""))
        elif self.verb == "GET":
            self.reply(405)
        elif self.verb == "DELETE":
            self.reply(200)
        elif self.id is None:
            self.reply(202)
        elif server.revision != STATELESS and self.method == "server/discover":
            self.error(-32601, "no such method", status=400)
        else:
            self.error(-32601, "no such method", status=404)


class OddServer:
    """seen: every exchange so far. connections: how many there were."""

    def __init__(self, answer=None, revision=STATELESS, session=None, tls=None, unix=None,
                 greeting=b"", address="127.0.0.1"):
        self.answer = answer or (lambda x: x.usual())
        self.revision, self.session, self.tls = revision, session, tls
        self.greeting = greeting
        self.seen, self.sockets, self.connections = [], [], 0
        self.waiting, self.gone = threading.Semaphore(0), threading.Semaphore(0)
        self.failures = []
        self.lock = threading.Lock()
        if unix:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(unix))
            self.url = f"unix:{unix}"
        else:
            self.listener = socket.create_server((address, 0))
            self.port = self.listener.getsockname()[1]
            self.url = f"{'https' if tls else 'http'}://{address}:{self.port}/mcp"
        self.listener.listen(256)
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    def accept(self):
        while True:
            try:
                one, _ = self.listener.accept()
            except OSError:
                return
            one.settimeout(PATIENCE)
            with self.lock:
                self.connections += 1
                self.sockets.append(one)
                thread = threading.Thread(target=self.serve, args=(one, self.connections),
                                          daemon=True)
                self.threads.append(thread)
            thread.start()

    def serve(self, one, number):
        try:
            if self.tls:
                one = self.tls.wrap_socket(one, server_side=True)
                with self.lock:
                    self.sockets.append(one)
            if self.greeting:
                one.sendall(self.greeting)
            while True:
                x = Exchange(self, one, number)
                with self.lock:
                    self.seen.append(x)
                self.answer(x)
        except (OSError, ssl.SSLError):
            pass
        except Exception as e:  # a mistake in the test itself
            self.failures.append(e)
        finally:
            one.close()

    def wait(self, semaphore):
        assert semaphore.acquire(timeout=PATIENCE), "waited in vain"

    def methods(self):
        with self.lock:
            return [x.method or x.verb for x in self.seen]

    def of(self, method):
        with self.lock:
            return [x for x in self.seen if (x.method or x.verb) == method]

    def drop(self):
        """All connections, at once."""
        with self.lock:
            for one in self.sockets:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def stop(self):
        """As a server that was killed: nothing listens any more."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.drop()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            self.stop()
        except OSError:
            pass
        for thread in self.threads:
            thread.join(PATIENCE)
        if kind is None:
            assert not self.failures, self.failures
