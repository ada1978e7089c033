"""Running the command line, and small servers for it to talk to."""

import http.server
import json
import subprocess
import sys
import threading

from .paths import GANTRY, PATIENCE, WRAP


def gantry(*args, ok=(0,), **options):
    """Runs `gantry ARGS` to its end; its exit code must be one of `ok` (None: any)."""
    options.setdefault("text", True)
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run([*WRAP, GANTRY, *map(str, args)], capture_output=True, timeout=PATIENCE,
                          **options)
    assert ok is None or done.returncode in ok, done
    assert "==ERROR: " not in str(done.stderr) or args[0] == "check", done  # of a sanitizer
    return done


def program(folder, text, *args):
    """The end of a command line that starts a server written in Python."""
    file = folder / f"server{len(list(folder.iterdir()))}.py"
    file.write_text(text)
    return ["--", sys.executable, file, *args]


class Handler(http.server.BaseHTTPRequestHandler):
    """A server of the stateless era; `tools_call(message)` of the class decides about the rest."""
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", kind="application/json", **headers):
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def stream(self):
        """Begins an event stream that ends with the connection; returns what sends an event."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

        def send(**message):
            self.wfile.write(b"data: " + json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n\n")
            self.wfile.flush()
        return send

    def result(self, message, **result):
        self.answer(200, {"jsonrpc": "2.0", "id": message["id"],
                          "result": {"resultType": "complete", **result}})

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((message.get("method"), self.path, dict(self.headers)))
        try:
            self.receive(message)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def receive(self, message):
        method = message.get("method")
        if method == "server/discover":
            self.result(message, supportedVersions=["2026-07-28"],
                        capabilities={"tools": {}, "resources": {}})
        elif method == "tools/list":
            self.tools_list(message)
        else:
            self.tools_call(message)

    def tools_list(self, message):
        self.result(message, tools=[{"name": "it", "inputSchema": {"type": "object"}}])

    def tools_call(self, message):
        self.result(message, content=[{"type": "text", "text": "done"}])


class Server:
    """Serves a Handler on a free port; `seen` is (method, path, headers) of each POST."""

    def __init__(self, handler, tls=None):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.server.seen = self.seen = []
        self.port = self.server.server_address[1]
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/mcp"
        self.server.url = self.url
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
