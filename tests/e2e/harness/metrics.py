"""Reading a page of metrics, and running Prometheus against a host."""

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from .host import eventually
from .http import Connection
from .paths import PATIENCE, TOOLS

LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)')
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def program(name):
    """One of Prometheus's programs: the system's, or that of tools/setup --test."""
    found = shutil.which(name) or TOOLS / "prometheus" / name
    return str(found)


def parse(text):
    """{(name, ((label, value), ...)): number}; labels in the order of their names."""
    samples = {}
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        found = re.fullmatch(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)", line)
        assert found, f"not a sample: {line!r}"
        name, labels, value = found.groups()
        pairs = LABEL.findall(labels or "")
        assert "".join(f'{k}="{v}",' for k, v in pairs).rstrip(",") == (labels or ""), line
        key = (name, tuple(sorted(
            (k, re.sub(r"\\.", lambda m: ESCAPES[m.group()], v)) for k, v in pairs)))
        assert key not in samples, f"a sample stands there twice: {line!r}"
        samples[key] = float(value)
    return samples


class Page:
    """The metrics of a host at one moment."""

    def __init__(self, text):
        self.text = text
        self.samples = parse(text)

    def value(self, name, **labels):
        """The value of the one sample with these labels; None if there is none."""
        return self.samples.get((name, tuple(sorted(labels.items()))))

    def labels(self, name):
        """The labels of all samples of that name."""
        return [dict(labels) for found, labels in self.samples if found == name]


def address_of(host):
    """Where a host has its pages: on their own listener, if there is one."""
    for line in host.ready_file.read_text().splitlines():
        found = re.fullmatch(r"metrics http://([^/]+):(\d+)/.*", line)
        if found:
            return found.group(1).strip("[]"), int(found.group(2))
    return host.address


def get(host, path="/metrics", headers=None, method="GET", address=None, unix=None):
    with Connection(unix or address or address_of(host), unix=unix) as connection:
        connection.send_request(method, path, headers)
        response = connection.read_response(method)
        response.content = response.body().decode()
        return response


def scrape(host, headers=None):
    response = get(host, headers=headers)
    assert response.status == 200, response.content
    return Page(response.content)


def promtool(text):
    """What `promtool check metrics` has to say about a page: nothing, if it is well."""
    done = subprocess.run([program("promtool"), "check", "metrics"], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
    return done.stdout + ("" if done.returncode == 0 else f"exit code {done.returncode}")


class Prometheus:
    """A Prometheus that scrapes one address each second; a context manager."""

    def __init__(self, folder, target, token=None):
        self.folder = folder
        folder.mkdir()
        config = {"global": {"scrape_interval": "1s"},
                  "scrape_configs": [{"job_name": "gantry", "static_configs": [
                      {"targets": [f"{target[0]}:{target[1]}"]}]}]}
        if token:
            config["scrape_configs"][0]["authorization"] = {"credentials": token}
        (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML

    def __enter__(self):
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [program("prometheus"), f"--config.file={self.folder}/prometheus.yml",
             f"--storage.tsdb.path={self.folder}/data", "--web.listen-address=127.0.0.1:0"],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        try:
            self.port = eventually(self.find_port, "Prometheus to listen")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def said(self):
        return (self.folder / "log").read_text(errors="replace")

    def find_port(self):
        assert self.process.poll() is None, self.said()
        found = re.search(r'msg="Listening on" address=127\.0\.0\.1:(\d+)', self.said())
        return found and int(found.group(1))

    def query(self, expression):
        """The result vector: [({label: value}, number)]. Empty while it is not ready."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + \
            urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as e:
            if e.code == 503:
                return []
            raise
        assert answer["status"] == "success", answer
        return [(one["metric"], float(one["value"][1])) for one in answer["data"]["result"]]

    def wait_for(self, expression, value):
        """Waits until the query has one result, of that value, and returns its labels."""
        def look():
            result = self.query(expression)
            return result if len(result) == 1 and result[0][1] == value else None
        try:
            return eventually(look, f"{expression} to be {value}")[0][0]
        except AssertionError as e:
            raise AssertionError(f"{e}; it is {self.query(expression)}\n{self.said()}") from None
