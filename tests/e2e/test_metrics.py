"""What a host says about itself: metrics, health, readiness."""

import hashlib
import os
import signal
import socket
import subprocess
import time

import pytest

from harness.client import RpcError, connect
from harness.host import eventually
from harness.metrics import Prometheus, address_of, get, promtool, scrape
from harness.paths import GANTRY
from test_logging import flood, read_flood

NEW, OLD = "2026-07-28", "2025-11-25"
PLUGINS = {"kit": "kit", "metrics": "metrics1"}


def calls(page, component, outcome, method="tools/call"):
    return page.value("gantry_calls_total", method=method, component=component, outcome=outcome)


def eventually_page(host, condition, what):
    """Scrapes until the page is as it should be, and returns it."""
    def look():
        page = scrape(host)
        return page if condition(page) else None
    return eventually(look, what)


# ---------------------------------------------------------------- calls

@pytest.mark.parametrize("revision", [OLD, NEW])
def test_calls_are_counted_by_method_component_and_outcome(client, revision):
    c = client(revision, "http", plugins=PLUGINS)
    for _ in range(3):
        c.call("echo", text="x")
    assert c.call("fail", text="no")["isError"]
    assert c.call("accident")["isError"]
    assert c.call("sleep", ms="not a number")["isError"]
    c.request("resources/read", {"uri": "kit://text"})
    c.request("resources/read", {"uri": "kit://item/7"})
    with pytest.raises(RpcError):
        c.request("resources/read", {"uri": "kit://gone"})
    c.request("prompts/get", {"name": "dialogue"})
    c.request("completion/complete", {"ref": {"type": "ref/prompt", "name": "ask"},
                                      "argument": {"name": "name", "value": "1"}})
    c.call("forward", name="echo", arguments={"text": "nested"})
    page = scrape(c.host)
    assert calls(page, "echo", "ok") == 4  # the one that another handler made included
    assert calls(page, "forward", "ok") == 1
    assert calls(page, "fail", "failed") == 1
    assert calls(page, "accident", "error") == 1
    assert calls(page, "sleep", "invalid") == 1
    assert calls(page, "kit://text", "ok", "resources/read") == 1
    assert calls(page, "kit://item/{id}", "ok", "resources/read") == 1
    assert calls(page, "kit://gone", "not_found", "resources/read") == 1
    assert calls(page, "dialogue", "ok", "prompts/get") == 1
    assert calls(page, "ask", "ok", "completion/complete") == 1
    labels = {"method": "tools/call", "component": "echo"}
    assert page.value("gantry_call_duration_seconds_count", **labels) == 4
    assert page.value("gantry_call_duration_seconds_bucket", le="+Inf", **labels) == 4
    assert 0 < page.value("gantry_call_duration_seconds_sum", **labels) < 600


def test_a_call_that_is_late_counts_as_such_and_its_duration_is_in_the_buckets(client):
    c = client(NEW, "http", config={"server": {"call_timeout": "300ms"}})
    assert c.call("stubborn")["isError"]
    page = scrape(c.host)
    assert calls(page, "stubborn", "timeout") == 1
    labels = {"method": "tools/call", "component": "stubborn"}
    assert page.value("gantry_call_duration_seconds_sum", **labels) >= 0.29
    assert page.value("gantry_call_duration_seconds_bucket", le="0.1", **labels) == 0
    assert page.value("gantry_call_duration_seconds_bucket", le="+Inf", **labels) == 1


def test_requests_are_counted_by_method_and_code(client):
    c = client(NEW, "http")
    c.request("tools/list")
    c.request("tools/list")
    with pytest.raises(RpcError):
        c.call("no_such_tool")
    with pytest.raises(RpcError):
        c.request("no/such/method")
    page = scrape(c.host)

    def requests(method, code):
        return page.value("gantry_requests_total", method=method, code=code)
    assert requests("tools/list", "ok") == 2
    assert requests("tools/call", "-32602") == 1
    assert requests("other", "-32601") == 1
    assert not [one for one in page.labels("gantry_calls_total")
                if one["component"] == "no_such_tool"]


def test_what_clients_make_up_does_not_become_labels(client):
    c = client(NEW, "http")
    for i in range(50):
        with pytest.raises(RpcError):
            c.call(f"made_up_{i}")
        with pytest.raises(RpcError):
            c.request(f"made/up/{i}")
    page = scrape(c.host)
    assert "made" not in page.text
    assert page.value("gantry_requests_total", method="other", code="-32601") == 50


def test_more_components_than_the_bound_count_as_other(client):
    c = client(NEW, "http", plugins=["many"],
               config={"plugins": [{"plugin": "many", "settings": {"tools": 520}}]})
    names = [name for name in c.names() if name.startswith("many_")]
    assert len(names) == 520
    for name in names:
        c.call(name)
    page = scrape(c.host)
    counted = {one["component"] for one in page.labels("gantry_calls_total")}
    assert len(counted) == 501 and "other" in counted
    assert calls(page, "other", "ok") == 20
    assert page.value("gantry_call_duration_seconds_count", method="tools/call",
                      component="other") == 20
    assert promtool(page.text) == ""


# ---------------------------------------------------------------- what is there at the moment

def test_gauges_say_what_is_there_at_the_moment(client):
    c = client(OLD, "http", plugins=PLUGINS, config={"limits": {"workers": 2}})
    sleeping = [c.start_call("sleep", ms=600000) for _ in range(3)]
    c.wait_in_flight(3)
    blocked = c.start_call("block", ms=5000)
    page = eventually_page(c.host, lambda p: p.value("gantry_workers", state="busy") == 1,
                           "a busy worker")
    assert page.value("gantry_workers", state="idle") == 1
    assert page.value("gantry_sessions") == 1
    assert page.value("gantry_calls_running") >= 4
    assert page.value("gantry_handlers_running") >= 4
    assert page.value("gantry_calls_queued") == 0
    assert page.value("gantry_coroutines") >= 3
    assert page.value("gantry_connections", transport="http") >= 4
    assert page.value("gantry_connections", transport="stdio") == 0
    assert page.value("gantry_output_queued_bytes", transport="http") == 0
    assert page.value("gantry_background_running") == 0
    assert page.value("gantry_log_messages_dropped_total") == 0
    assert page.value("gantry_generations", state="live") == 2
    assert page.value("gantry_plugin_info", plugin_instance="kit", plugin="kit", version="1.2.3",
                      generation="1") == 1
    assert page.value("gantry_reloads_total", plugin_instance="kit", result="ok") == 1
    blocked.result()
    for call in sleeping:
        c.cancel(call)
    page = eventually_page(c.host, lambda p: p.value("gantry_handlers_running") == 0,
                           "no handler to run")
    assert page.value("gantry_calls_running") == 0
    assert page.value("gantry_coroutines") == 0
    assert calls(page, "sleep", "canceled") == 3


def test_calls_that_wait_for_their_turn_are_seen(client):
    c = client(NEW, "http", config={"limits": {"max_calls": 1}})
    waiting = [c.start_call("sleep", ms=600000) for _ in range(3)]
    page = eventually_page(c.host, lambda p: p.value("gantry_calls_queued") == 2,
                           "two calls in the queue")
    assert page.value("gantry_calls_running") == 1
    for call in waiting:
        c.cancel(call)
    eventually_page(c.host, lambda p: p.value("gantry_calls_running") == 0, "no call to run")


def test_log_messages_that_a_slow_client_did_not_get_are_counted(client):
    c = client(NEW, "http", plugins=["log"], log_level="emergency",
               config={"log": {"client": {"max_queue": 50}}})
    connection = flood(c, "flood", lines=100_000, bytes=1000)
    counted = "gantry_log_messages_dropped_total"
    eventually_page(c.host, lambda p: p.value(counted) > 0, "lines to be dropped")
    _, dropped, _ = read_flood(connection)
    connection.close()
    assert scrape(c.host).value(counted) == dropped


def test_the_process_tells_about_itself(client):
    c = client(NEW, "http")
    page = scrape(c.host)
    version = subprocess.run([GANTRY, "version"], capture_output=True, text=True, check=True).stdout
    found = page.labels("gantry_build_info")
    assert len(found) == 1 and f"gantry {found[0]['version']}\n" in version
    assert f"plugin interface {found[0]['abi']}\n" in version
    assert page.value("process_resident_memory_bytes") > 1 << 20
    heap = page.value("process_heap_bytes")  # a sanitizer's allocator does not tell
    assert heap is None or 1 << 10 < heap < page.value("process_virtual_memory_bytes")
    assert page.value("process_cpu_seconds_total") > 0
    assert 3 < page.value("process_open_fds") < page.value("process_max_fds")
    assert 0 <= time.time() - page.value("process_start_time_seconds") < 3600


def test_open_descriptors_are_those_that_are_open(client):
    """What the host's start still has open (the pipes of the trial of its plugins) may go any moment:
    so nothing is compared with how many there were before."""
    c = client(NEW, "http")
    pid = c.host.process.pid
    sockets = [socket.create_connection(c.host.address) for _ in range(10)]
    for one in sockets:  # answered: so it has been accepted
        one.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert one.recv(65536).startswith(b"HTTP/1.1 200 ")

    def is_true(page):  # but for the connection that asks
        return 0 <= page.value("process_open_fds") - len(os.listdir(f"/proc/{pid}/fd")) <= 1
    with_ten = eventually_page(c.host, is_true, "as many as there are").value("process_open_fds")
    assert with_ten > 3 + 10
    for one in sockets:
        one.close()
    eventually_page(c.host, lambda p: is_true(p) and p.value("process_open_fds") <= with_ten - 10,
                    "ten less")


# ---------------------------------------------------------------- plugins

def test_a_plugin_counts_in_metrics_of_its_own(client):
    c = client(NEW, "http", plugins=PLUGINS)
    c.call("update", path="a", value=0.5)
    c.call("update_blocking", path="b \"\\\n", value=7)
    for path in "cdef":  # over the bound of three
        c.call("update", path=path, value=100)
    page = scrape(c.host)
    orders = "gantry_plugin_metrics_orders_total"
    assert page.value(orders, path="a") == 0.5
    assert page.value(orders, path="b \"\\\n") == 7
    assert page.value(orders, path="c") == 100
    assert page.value(orders, path="other") == 300
    assert len(page.labels(orders)) == 4
    assert page.value("gantry_plugin_metrics_level") == 100
    size = "gantry_plugin_metrics_size_bytes"
    assert page.value(f"{size}_bucket", le="1") == 1
    assert page.value(f"{size}_bucket", le="10") == 2
    assert page.value(f"{size}_bucket", le="+Inf") == page.value(f"{size}_count") == 6
    assert page.value(f"{size}_sum") == 407.5
    assert promtool(page.text) == ""


def test_many_calls_at_once_lose_no_count(client):
    c = client(NEW, "http", plugins=PLUGINS)
    pending = [c.start_call("update_blocking" if i % 2 else "update", path="ab"[i % 2], value=1)
               for i in range(200)]
    for call in pending:
        call.result()
    page = scrape(c.host)
    orders = "gantry_plugin_metrics_orders_total"
    assert page.value(orders, path="a") == page.value(orders, path="b") == 100
    assert page.value("gantry_plugin_metrics_size_bytes_sum") == 200


def test_metrics_that_are_misused_are_told_once_and_do_no_harm(client):
    c = client(NEW, "http", plugins=PLUGINS)
    assert c.text("misuse") == "done"
    assert c.text("misuse") == "done"
    assert c.text("late") == "refused"
    said = c.host.log()
    assert said.count("it has labels, and was given no values") == 1
    assert said.count("histograms gantry_metric_observe") == 1
    c.host.wait_log("not-a-name.*must be 1 to")
    c.host.wait_log("metric orders: the plugin has one of that name")
    c.host.wait_log("late.*by a handler that does not block")
    assert not scrape(c.host).labels("gantry_plugin_metrics_orders_total")


def test_a_reload_keeps_what_has_the_same_shape(client):
    c = client(NEW, "http", plugins=PLUGINS)
    assert c.text("update", path="a", value=3) == "1"
    c.host.drop_plugin("metrics", "metrics2")
    eventually(lambda: c.text("update", path="a", value=4) == "2", "the second build")
    page = eventually_page(c.host, lambda p: p.value("gantry_generations", state="draining") == 0,
                           "the first generation to go")
    served = calls(page, "update", "ok")
    by_second = (page.value("gantry_plugin_metrics_size_bytes_count"))
    assert by_second == served
    assert page.value("gantry_plugin_metrics_level", path="a") == 4
    assert page.value("gantry_plugin_metrics_level") is None
    assert page.value("gantry_reloads_total", plugin_instance="metrics", result="ok") == 2
    assert [one for one in page.labels("gantry_plugin_info")
            if one["plugin_instance"] == "metrics"] == [
        {"plugin_instance": "metrics", "plugin": "metrics", "version": "2.0.0", "generation": "2"}]
    assert promtool(page.text) == ""


def test_a_load_that_fails_is_counted_and_changes_no_metric(client):
    c = client(NEW, "http", plugins=PLUGINS)
    c.call("update", path="a", value=3)
    c.host.drop.joinpath(".new").write_bytes(b"this is no plugin")
    c.host.drop.joinpath(".new").chmod(0o755)
    c.host.drop.joinpath(".new").rename(c.host.drop / "metrics.so")
    failed = {"plugin_instance": "metrics", "result": "failed"}
    page = eventually_page(c.host, lambda p: p.value("gantry_reloads_total", **failed) == 1,
                           "a load that failed")
    assert page.value("gantry_instances_failed") == 1
    assert page.value("gantry_plugin_metrics_orders_total", path="a") == 3


def test_metrics_go_with_their_plugin(client):
    c = client(NEW, "http", plugins=PLUGINS)
    c.call("update", path="a", value=3)
    c.host.remove_plugin("metrics")
    page = eventually_page(c.host, lambda p: "gantry_plugin_metrics" not in p.text, "none of it")
    assert calls(page, "update", "ok") == 1  # the host's own stay


# ---------------------------------------------------------------- pages

def token_config(**more):
    digest = hashlib.sha256(b"secret").hexdigest()
    return {"auth": {"tokens": [{"principal": "p", "hash": f"sha256:{digest}"}]}, **more}


def test_metrics_need_a_token_where_calls_do_and_health_does_not(host):
    one = host(http=True, config=token_config())
    refused = get(one)
    assert refused.status == 401 and refused.headers["www-authenticate"].startswith("Bearer")
    assert get(one, headers={"Authorization": "Bearer secret"}).status == 200
    assert get(one, "/healthz").status == get(one, "/readyz").status == 200


def test_a_listener_of_their_own_needs_none_and_takes_them_from_the_others(host):
    one = host(http=True, config=token_config(metrics={"listen": "127.0.0.1:0", "path": "/m"}))
    own = address_of(one)
    assert own != one.address
    for path in ("/m", "/healthz", "/readyz"):
        assert get(one, path, address=own).status == 200
        assert get(one, path, address=one.address).status == 404
    assert get(one, "/mcp", address=own).status == 404
    assert get(one, "/metrics", address=own).status == 404
    assert get(one, "/m", {"Host": "evil.example"}, address=own).status == 403
    assert get(one, "/m", method="HEAD", address=own).status == 200
    assert get(one, "/m", {"Content-Length": "0"}, "POST", own).status == 405
    one.wait_log("metrics on http://127.0.0.1:")


def test_a_stdio_server_can_have_them_and_still_ends_with_its_input(client):
    c = client(OLD, "stdio", config={"metrics": {"listen": "127.0.0.1:0"}})
    c.call("echo", text="x")
    page = scrape(c.host)
    assert calls(page, "echo", "ok") == 1
    assert page.value("gantry_connections", transport="stdio") == 1
    assert page.value("gantry_connections", transport="http") == 0
    assert page.value("gantry_sessions") == 1
    assert get(c.host, "/readyz").content == "ok"
    c.host.process.stdin.close()
    assert c.host.wait() == 0


def test_readiness_comes_with_the_plugins_and_ends_with_the_drain(host):
    one = host(http=True, config={"metrics": {"listen": "127.0.0.1:0"}, "server": {"drain": "60s"}})
    c = connect(one, NEW, "http")
    call = c.start_call("sleep", ms=600000)
    c.wait_in_flight(1)
    assert get(one, "/readyz").status == 200
    one.signal(signal.SIGTERM)
    one.wait_log("stopping")
    draining = get(one, "/readyz")
    assert draining.status == 503 and draining.content == "stopping"
    assert get(one, "/healthz").status == 200
    assert scrape(one).value("gantry_calls_running") == 1
    c.cancel(call)
    assert one.wait() == 0
    c.close()


def test_before_plugins_are_loaded_the_host_is_alive_and_not_ready(host, tmp_path):
    own = tmp_path / "own"
    one = host(http=True, plugins={"stuck": "bad_start_wait"}, must_start=False,
               config={"metrics": {"listen": f"unix:{own}"},
                       "loading": {"probe": False, "start_timeout": "10s"}})

    def ask(path):
        try:
            return get(one, path, unix=own)
        except OSError:
            return None
    early = eventually(lambda: ask("/readyz"), "the listener of the pages")
    assert early.status == 503 and early.content == "plugins are being loaded"
    assert ask("/healthz").status == 200
    eventually(lambda: ask("/readyz").status == 200, "the host to be ready")


def test_the_configuration_switches_the_page_while_it_runs(client):
    c = client(NEW, "http", config={})
    assert get(c.host).status == 200
    c.host.write_config({"metrics": {"path": "/numbers", "listen": "127.0.0.1:0"}})
    c.host.signal(signal.SIGHUP)
    eventually(lambda: get(c.host, "/numbers").status == 200, "the new path")
    c.host.wait_log("take effect at the next start")
    assert get(c.host).status == 404
    c.host.write_config({"metrics": {"enabled": False}})
    c.host.signal(signal.SIGHUP)
    eventually(lambda: get(c.host, "/numbers").status == 404, "no page")
    assert get(c.host).status == 404
    assert get(c.host, "/healthz").status == 200


@pytest.mark.parametrize("metrics, words", [
    ({"listen": "0.0.0.0:0"}, "can be reached from other machines"),
    ({"path": "/mcp"}, "is http.path"),
    ({"path": "/healthz"}, "is a page already"),
    ({"path": "metrics"}, "must begin with a slash"),
    ({"listen": "nowhere"}, "has no port"),
])
def test_what_cannot_be_is_refused_at_the_start(host, metrics, words):
    one = host(http=True, must_start=False, config={"metrics": metrics})
    one.expect_exit = one.wait()
    assert one.expect_exit == 2 and words in one.log() and "metrics." in one.log()


def test_an_address_that_is_taken_ends_the_host(host):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        one = host(http=True, must_start=False, config={"metrics": {"listen": f"127.0.0.1:{port}"}})
        one.expect_exit = one.wait()
        assert one.expect_exit == 3 and f"127.0.0.1:{port}: Address already in use" in one.log()


# ---------------------------------------------------------------- Prometheus

def test_promtool_has_nothing_to_say(client):
    c = client(OLD, "http", plugins=PLUGINS)
    c.call("echo", text="x")
    c.call("update", path="a", value=1)
    with pytest.raises(RpcError):
        c.call("nothing")
    assert promtool(scrape(c.host).text) == ""
    assert "error" in promtool("a{ 1\n")  # it does look


@pytest.mark.parametrize("own", [False, True])
def test_prometheus_scrapes_a_host_and_answers_queries(client, tmp_path, own):
    config = {"metrics": {"listen": "127.0.0.1:0"}} if own else token_config()
    headers = {} if own else {"Authorization": "Bearer secret"}
    c = client(NEW, "http", plugins=PLUGINS, config=config, options={"headers": headers})
    for i in range(5):
        c.call("echo", text="x")
        c.call("update", path="a", value=i)
    with Prometheus(tmp_path / "prometheus", address_of(c.host), None if own else "secret") as p:
        p.wait_for('up{job="gantry"}', 1)
        p.wait_for('gantry_calls_total{component="echo",outcome="ok"}', 5)
        p.wait_for('sum(gantry_call_duration_seconds_count{component=~"echo|update"})', 10)
        p.wait_for('gantry_plugin_metrics_orders_total{path="a"}', 10)
        p.wait_for('gantry_plugin_info{plugin_instance="metrics"}', 1)
        labels = p.wait_for("gantry_build_info", 1)
        assert labels["job"] == "gantry" and labels["version"]
        assert not p.query('{exported_instance!=""}') + p.query('{exported_job!=""}')
        c.call("echo", text="one more")
        p.wait_for('gantry_calls_total{component="echo",outcome="ok"}', 6)
        quantile = p.query(
            'histogram_quantile(0.99, gantry_call_duration_seconds_bucket{component="echo"})')
        assert len(quantile) == 1 and 0 < quantile[0][1] <= 60
