"""Clients of both eras over both transports. Each message they receive is checked against the schema
of the revision that was agreed.

    client = handshake_http(host, "2025-11-25")
    client.call("echo", text="hi")            -> a CallToolResult
    client.request("tools/list", {...})       -> a result, or RpcError is raised
    pending = client.start("tools/call", {..})  and later pending.result(), pending.messages()
"""

import concurrent.futures
import itertools
import json
import os
import queue
import socket
import threading

from . import schema
from .host import eventually
from .http import Closed, Connection, header_value
from .paths import PATIENCE

META = "io.modelcontextprotocol/"
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri",
         "tasks/get": "taskId", "tasks/update": "taskId", "tasks/cancel": "taskId"}


class RpcError(Exception):
    def __init__(self, error, status=None):
        super().__init__(f"{error['code']} {error['message']} (HTTP {status})")
        self.code = error["code"]
        self.message = error["message"]
        self.data = error.get("data")
        self.status = status


class Pending:
    """An unanswered request. Its notifications are in order of arrival."""

    def __init__(self, request):
        self.request = request
        self.notifications = []
        self.changed = threading.Condition()
        self.response = None
        self.status = None
        self.failure = None
        self.http = None
        self.connection = None  # over HTTP: set once the request has been sent

    def take(self, message, status=None):
        with self.changed:
            if "method" in message:
                assert self.response is None, f"a message after the response: {message}"
                self.notifications.append(message)
            else:
                assert self.response is None, f"a second response: {message}"
                self.response = message
                self.status = status
            self.changed.notify_all()

    def fail(self, failure):
        with self.changed:
            if self.response is None:
                self.failure = failure
            self.changed.notify_all()

    def wait(self, condition, what):
        with self.changed:
            ok = self.changed.wait_for(lambda: self.failure or condition(), PATIENCE)
            assert ok, f"waited {PATIENCE} s in vain: {what}"
            if not condition():
                raise self.failure

    def result(self):
        self.wait(lambda: self.response, f"the answer to {self.request['method']}")
        if "error" in self.response:
            raise RpcError(self.response["error"], self.status)
        return self.response["result"]

    def wait_notifications(self, count=1, method=None):
        def enough():
            return [n for n in self.notifications if method in (None, n["method"])][:count][count - 1:]
        self.wait(enough, f"{count} notifications {method or ''}")
        with self.changed:
            return [n for n in self.notifications if method in (None, n["method"])]


class Client:
    """What clients of all kinds have in common."""

    def __init__(self, revision):
        self.revision = revision
        self.stateless = revision not in schema.HANDSHAKE
        self.ids = itertools.count(1)
        self.client_info = {"name": "e2e", "version": "1.0"}
        self.capabilities = {}
        self.meta = {}  # more for every request's _meta

    def request_message(self, method, params=None, id=None):
        params = dict(params or {})
        if self.stateless:
            params["_meta"] = {
                META + "protocolVersion": self.revision,
                META + "clientInfo": self.client_info,
                META + "clientCapabilities": self.capabilities,
                **self.meta, **params.get("_meta", {})}
        elif self.meta:
            params["_meta"] = {**self.meta, **params.get("_meta", {})}
        message = {"jsonrpc": "2.0", "id": next(self.ids) if id is None else id, "method": method}
        if params:
            message["params"] = params
        return message

    def request(self, method, params=None, **options):
        return self.start(method, params, **options).result()

    def start(self, method, params=None, id=None, **options):
        pending = Pending(self.request_message(method, params, id))
        self.send_pending(pending, **options)
        return pending

    def call(self, name, /, **arguments):
        return self.request("tools/call", {"name": name, "arguments": arguments})

    def start_call(self, name, /, **arguments):
        return self.start("tools/call", {"name": name, "arguments": arguments})

    def text(self, name, /, **arguments):
        """The text of a tool result that must be a success with exactly one text block."""
        result = self.call(name, **arguments)
        assert not result.get("isError"), result
        assert [c["type"] for c in result["content"]] == ["text"], result
        return result["content"][0]["text"]

    def structured(self, name, /, **arguments):
        """A tool's structured content; parsed from its text in revisions that have none."""
        result = self.call(name, **arguments)
        assert not result.get("isError"), result
        if self.revision < "2025-06-18":
            assert "structuredContent" not in result, result
            return json.loads(result["content"][0]["text"])
        return result["structuredContent"]

    def list(self, kind, method=None, params=None):
        """All pages of a list, and asserts that no page repeats what another has."""
        items, cursor, pages = [], None, 0
        while True:
            page = self.request(method or f"{kind}/list",
                                {**(params or {}), **({"cursor": cursor} if cursor else {})})
            items += page[kind if method is None else method.split("/")[0] + "Templates"
                          if kind == "templates" else kind]
            pages += 1
            cursor = page.get("nextCursor")
            if cursor is None:
                self.pages = pages
                break
            assert pages < 10000, "the pages do not end"
        return items

    def names(self, kind="tools"):
        return [item["name"] for item in self.list(kind)]

    def wait_in_flight(self, count):
        """Until that many handlers of the kit plugin are waiting."""
        return eventually(lambda: (s := self.structured("status"))["in_flight"] == count and s,
                          f"{count} calls in flight")

    def initialize(self, revision=None, **more):
        """The handshake; checks the answer by the revision that was agreed."""
        result = self.request("initialize", {
            "protocolVersion": revision or self.revision, "capabilities": self.capabilities,
            "clientInfo": self.client_info, **more})
        self.server = result
        self.notify("notifications/initialized")
        return result


class StdioClient(Client):
    """On the standard streams of a host. One reader thread hands messages out."""

    def __init__(self, host, revision):
        super().__init__(revision)
        self.host = host
        self.pending = {}
        self.lock = threading.Lock()
        self.notifications = Notifications()
        self.broken = None
        self.raw = queue.Queue()  # responses without a request that is waiting
        threading.Thread(target=self.read, daemon=True).start()

    def write(self, data):
        """Sends bytes as they are."""
        with self.lock:
            view = memoryview(data)
            while view:
                view = view[os.write(self.host.process.stdin.fileno(), view):]

    def send_message(self, message):
        self.write(json.dumps(message, ensure_ascii=False).encode() + b"\n")

    def notify(self, method, params=None):
        self.send_message({"jsonrpc": "2.0", "method": method, **({"params": params} if params else {})})

    def cancel(self, pending, reason="changed my mind"):
        self.notify("notifications/cancelled", {"requestId": pending.request["id"], "reason": reason})

    def send_pending(self, pending):
        self.pending[json.dumps(pending.request["id"])] = pending
        self.send_message(pending.request)

    def owner(self, message):
        """The request that a notification belongs to, by its progress token or subscription."""
        params = message.get("params", {})
        token = params.get("progressToken")
        subscription = params.get("_meta", {}).get(META + "subscriptionId")
        for pending in list(self.pending.values()):
            meta = pending.request.get("params", {}).get("_meta", {})
            if token is not None and meta.get("progressToken") == token:
                return pending
            if subscription is not None and pending.request["id"] == subscription:
                return pending
        return None

    def read(self):
        try:
            for line in self.host.process.stdout:
                assert line.endswith(b"\n"), f"the output ends inside a line: {line[:200]!r}"
                message = json.loads(line)
                for one in message if isinstance(message, list) else [message]:  # 2025-03-26
                    self.take(one)
        except Exception as e:  # told to whoever waits
            self.broken = e
        end = self.broken or Closed("the host closed its output")
        for pending in list(self.pending.values()):
            pending.fail(end)
        self.notifications.fail(end)
        self.raw.put(end)

    def take(self, message):
        if "method" in message:
            schema.check_from_server(self.revision, message)
            owner = self.owner(message)
            if owner:
                owner.take(message)
            else:
                self.notifications.take(message)
            return
        pending = self.pending.pop(json.dumps(message.get("id")), None)
        method = pending.request["method"] if pending else None
        revision = self.revision
        if method == "initialize" and "result" in message:
            revision = message["result"]["protocolVersion"]
            assert revision in schema.HANDSHAKE, message
            self.revision = revision
        schema.check_from_server(revision, message, method)
        if pending:
            pending.take(message)
        else:
            self.raw.put(message)

    send_batch = send_message

    def close(self):
        """The host closes it, when it ends."""

    def unclaimed_all(self, count):
        return [self.unclaimed() for _ in range(count)]

    def unclaimed(self):
        """The next response that answers no request of ours (errors without an id, for example)."""
        message = self.raw.get(timeout=PATIENCE)
        if isinstance(message, Exception):
            raise message
        return message


class Notifications:
    """Messages of the server that belong to no request."""

    def __init__(self):
        self.seen = []
        self.changed = threading.Condition()
        self.failure = None

    def take(self, message):
        with self.changed:
            self.seen.append(message)
            self.changed.notify_all()

    def fail(self, failure):
        with self.changed:
            self.failure = failure
            self.changed.notify_all()

    def count(self, method):
        with self.changed:
            return sum(1 for m in self.seen if m["method"] == method)

    def wait(self, method, count=1):
        def enough():
            return sum(1 for m in self.seen if m["method"] == method) >= count
        with self.changed:
            ok = self.changed.wait_for(lambda: self.failure or enough(), PATIENCE)
            assert ok, f"waited {PATIENCE} s in vain for {count} {method}; seen: {self.seen}"
            if not enough():
                raise self.failure
            return [m for m in self.seen if m["method"] == method]


class HttpClient(Client):
    """Streamable HTTP. Connections are kept and used again; each request that is waiting has one."""

    def __init__(self, host, revision, headers=None, tls=None, unix=None, path=None):
        super().__init__(revision)
        self.host = host
        self.headers = dict(headers or {})
        self.session = None
        self.agreed = not self.stateless and None
        self.tls, self.unix = tls, unix
        self.path = path or getattr(host, "path", "/mcp")
        self.idle = []
        self.pool = concurrent.futures.ThreadPoolExecutor(64)
        self.notifications = Notifications()
        self.get_response = None

    def connection(self):
        try:
            return self.idle.pop()
        except IndexError:
            return Connection(getattr(self.host, "address", ("localhost", 0)), self.tls, self.unix)

    def headers_for(self, message):
        headers = {"Content-Type": "application/json",
                   "Accept": "application/json, text/event-stream"}
        method = message.get("method")
        if self.stateless:
            headers["MCP-Protocol-Version"] = self.revision
            if method:
                headers["Mcp-Method"] = method
            named = message.get("params", {}).get(NAMED.get(method, ""))
            if isinstance(named, str):
                headers["Mcp-Name"] = header_value(named)
        else:
            if self.session:
                headers["Mcp-Session-Id"] = self.session
            if self.agreed and self.agreed >= "2025-06-18":
                headers["MCP-Protocol-Version"] = self.agreed
        headers.update(self.headers)
        return headers

    def post(self, message, headers=None, pending=None):
        """Sends one message; returns (connection, response) with the body still to be read."""
        body = message if isinstance(message, bytes) else \
            json.dumps(message, ensure_ascii=False).encode()
        fields = self.headers_for(message if isinstance(message, dict) else {})
        fields.update(headers or {})
        for attempt in range(2):
            reused = bool(self.idle)
            connection = self.connection()
            try:
                connection.send_request("POST", self.path, fields, body)
                if pending:
                    pending.connection = connection
                return connection, connection.read_response()
            except (Closed, BrokenPipeError, ConnectionResetError):
                connection.close()  # an idle connection may have been closed meanwhile
                if not reused or attempt:
                    raise
        raise AssertionError("not reached")

    def keep(self, connection, response):
        if response.done and response.headers.get("connection", "").lower() != "close":
            self.idle.append(connection)
        else:
            connection.close()

    def send_pending(self, pending, headers=None, wait=True):
        self.pool.submit(self.exchange, pending, headers)

    def exchange(self, pending, headers):
        try:
            connection, response = self.post(pending.request, headers, pending)
            pending.http = response
            self.read_answer(pending, response)
            self.keep(connection, response)
        except Exception as e:  # told to whoever waits
            pending.fail(e)

    def read_answer(self, pending, response):
        method = pending.request["method"]
        revision = self.agreed or self.revision
        if response.is_stream:
            assert response.status == 200, response.status
            for event in response.events():
                if "data" not in event or event["data"] == "":
                    continue
                message = json.loads(event["data"])
                self.learn(method, message, response)
                schema.check_from_server(self.agreed or revision, message,
                                         None if "method" in message else method)
                pending.take(message, response.status)
            pending.fail(Closed("the stream ended without a response"))
            return
        body = response.body()
        kind = response.headers.get("content-type", "")
        assert kind.startswith("application/json"), \
            f"HTTP {response.status} with content type {kind!r}: {body[:500]!r}"
        message = json.loads(body)
        self.learn(method, message, response)
        schema.check_from_server(self.agreed or revision, message, method)
        if message.get("id") is not None:
            assert message["id"] == pending.request["id"], message
        pending.take(message, response.status)

    def learn(self, method, message, response):
        if method == "initialize" and "result" in message:
            self.agreed = message["result"]["protocolVersion"]
            assert self.agreed in schema.HANDSHAKE, message
            self.session = response.headers.get("mcp-session-id")

    def notify(self, method, params=None, headers=None):
        message = {"jsonrpc": "2.0", "method": method, **({"params": params} if params else {})}
        connection, response = self.post(message, headers)
        body = response.body()
        self.keep(connection, response)
        assert response.status == 202 and body == b"", (response.status, body)

    def cancel_by_closing(self, pending):
        eventually(lambda: pending.connection, "the request to be sent")
        pending.connection.socket.shutdown(socket.SHUT_RDWR)

    def cancel(self, pending, reason="changed my mind"):
        """As the era has it: a notification, or closing the stream."""
        if self.stateless:
            self.cancel_by_closing(pending)
        else:
            self.notify("notifications/cancelled",
                        {"requestId": pending.request["id"], "reason": reason})

    def simple(self, method, headers=None, body=None, path=None):
        """One exchange that is no JSON-RPC request; returns a response with its whole body read."""
        with self.new_connection() as connection:
            connection.send_request(method, path or self.path, headers, body)
            response = connection.read_response(method)
            response.content = b"" if response.is_stream else response.body()
            return response

    def new_connection(self, **options):
        return Connection(getattr(self.host, "address", ("localhost", 0)), self.tls, self.unix,
                          **options)

    def open_get_stream(self):
        """The handshake era's stream for messages of the server: they go to self.notifications."""
        self.get_connection = self.new_connection()
        self.get_connection.send_request("GET", self.path, {
            "Accept": "text/event-stream", "Mcp-Session-Id": self.session,
            "MCP-Protocol-Version": self.agreed, **self.headers})
        response = self.get_connection.read_response("GET")
        assert response.status == 200 and response.is_stream, (response.status, response.headers)
        self.get_response = response
        threading.Thread(target=self.read_get, args=(response,), daemon=True).start()

    def read_get(self, response):
        try:
            for event in response.events():
                if event.get("data"):
                    message = json.loads(event["data"])
                    schema.check_from_server(self.agreed, message)
                    self.notifications.take(message)
            self.notifications.fail(Closed("the GET stream ended"))
        except Exception as e:  # told to whoever waits
            self.notifications.fail(e)

    def close(self):
        for connection in self.idle:
            connection.close()
        self.idle.clear()
        self.pool.shutdown(wait=False)


def connect(host, revision, transport, name=None, capabilities=None, **options):
    """A client that is ready to be used, of any era and transport; name is what it calls itself."""
    from . import wire  # which stands on this file
    kinds = {"stdio": StdioClient, "http": HttpClient, "websocket": wire.WebSocketClient,
             "sse": wire.SseClient}
    client = kinds[transport](host, revision, **options)
    client.client_info["name"] = name or client.client_info["name"]
    client.capabilities = capabilities or {}
    if not client.stateless:
        client.initialize()
    return client
