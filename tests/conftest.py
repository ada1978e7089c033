"""Fixtures. A test gets `host(...)` to start hosts and `client(...)` to start one and connect; at its
end every host must have stopped cleanly, and after a failure its log is shown."""

import os

import pytest

from harness import client as clients
from harness.cli import Server
from harness.host import Host, eventually
from harness.paths import GANTRY
from harness.probe import Probe
from harness.schema import HANDSHAKE, REVISIONS
from harness.servers import Shared


def pytest_sessionstart(session):
    if not GANTRY.exists():
        pytest.exit(f"{GANTRY} is not built", returncode=2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        for host in getattr(item, "hosts", []):
            log = host.log()
            if len(log) > 12000:
                log = log[:4000] + "\n[...]\n" + log[-8000:]
            report.sections.append((f"log of {' '.join(host.command)}", log))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    done = yield
    for host in getattr(item, "hosts", []):  # after the last report has read the logs
        host.clean()
    return done


@pytest.fixture
def host(request):
    """host(plugins=[...], http=True, ...) starts a Host."""
    hosts = request.node.hosts = []

    def start(*args, **options):
        one = Host(*args, **options)
        hosts.append(one)
        return one

    yield start
    # The report of the test itself decides how hard we look: a failed test need not stop cleanly.
    try:
        for one in hosts:
            one.stop()
    finally:
        for one in hosts:
            one.kill()


@pytest.fixture
def serve():
    """serve(handler, ...) starts a Server, for clients of ours."""
    servers = []

    def start(handler, **options):
        servers.append(Server(handler, **options))
        return servers[-1]
    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def shared():
    """shared(kind, way): a server of others, for all tests of the module that leave it as it is."""
    servers = Shared()
    with servers.stack:
        yield servers


@pytest.fixture
def probe():
    """A program on the client library, whose descriptors are the same in the end."""
    with Probe() as one:
        one.send("nothing")  # it is up
        one.event("refused")
        before = one.descriptors()
        yield one
        one.send("close")
        eventually(lambda: one.all("closed") or one.all("refused"), "the client to be closed")
        eventually(lambda: len(one.descriptors()) <= len(before), "descriptors to be closed")
        assert one.children() == {}


@pytest.fixture
def client(host):
    """client(revision, transport, plugins=[...], ...) starts a host and connects to it."""
    made = []

    def start(revision="2025-11-25", transport="http", options=None, **host_options):
        one = host(http=None if transport == "stdio" else True, stdio=transport == "stdio",
                   **host_options)
        connected = clients.connect(one, revision, transport, **(options or {}))
        made.append(connected)
        return connected

    yield start
    for one in made:
        one.close()


def pytest_generate_tests(metafunc):
    """Tests that take `revision` and `transport` run for all of them (of transports, for those in
    their module's TRANSPORTS), unless they name their own. With GANTRY_TEST_SHORT set, the newest
    revision of each era stands for all."""
    named = {name.strip() for mark in metafunc.definition.iter_markers("parametrize")
             for name in (mark.args[0].split(",") if isinstance(mark.args[0], str) else mark.args[0])}
    transports = getattr(metafunc.module, "TRANSPORTS", ["stdio", "http"])
    revisions = [HANDSHAKE[-1], REVISIONS[-1]] if os.environ.get("GANTRY_TEST_SHORT") else REVISIONS
    for argument, values in (("revision", revisions), ("transport", transports)):
        if argument in metafunc.fixturenames and argument not in named:
            metafunc.parametrize(argument, values)
