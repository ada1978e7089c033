"""The official JSON schema of each protocol revision, and the check that every message passes."""

import functools
import json
import pathlib
import warnings

import jsonschema_rs

from .paths import DATA

HERE = pathlib.Path(__file__).resolve().parent

HANDSHAKE = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
STATELESS = ["2026-07-28"]
REVISIONS = HANDSHAKE + STATELESS

# Method: the definition that its result must match.
RESULTS = {
    "initialize": "InitializeResult",
    "server/discover": "DiscoverResult",
    "tools/list": "ListToolsResult",
    "tools/call": "CallToolResult",
    "resources/list": "ListResourcesResult",
    "resources/templates/list": "ListResourceTemplatesResult",
    "resources/read": "ReadResourceResult",
    "prompts/list": "ListPromptsResult",
    "prompts/get": "GetPromptResult",
    "completion/complete": "CompleteResult",
    "subscriptions/listen": "SubscriptionsListenResult",
    "ping": "EmptyResult",
    "logging/setLevel": "EmptyResult",
    "resources/subscribe": "EmptyResult",
    "resources/unsubscribe": "EmptyResult",
    "tasks/get": "GetTaskResult",
    "tasks/update": "TaskAcknowledgement",
    "tasks/cancel": "TaskAcknowledgement",
}

# What a result is instead, if its resultType says so.
TYPED = {"input_required": "InputRequiredResult", "task": "CreateTaskResult"}

# Notifications of extensions: the official schema names only those of the protocol itself.
NOTIFICATIONS = {"notifications/tasks": "TaskStatusNotification"}

# Error code: the definition that an error with it must match, in revisions that have it.
ERRORS = {
    -32020: "HeaderMismatchError",
    -32021: "MissingRequiredClientCapabilityError",
    -32022: "UnsupportedProtocolVersionError",
}

AVAILABLE = (DATA / "mcp-schema").is_dir()
if not AVAILABLE:
    warnings.warn(f"no MCP schemas in {DATA}: messages are not checked against them "
                  "(GANTRY_TEST_DATA names the folder)", stacklevel=1)


@functools.cache
def document(revision):
    """The official schema; that of the stateless era with what extensions add (SEP-2663)."""
    found = json.loads((DATA / "mcp-schema" / f"{revision}.json").read_text())
    if revision in STATELESS:
        found["$defs"].update(json.loads((HERE / "extension_tasks.json").read_text()))
    return found


@functools.cache
def definitions(revision):
    found = document(revision)
    return found.get("$defs") or found.get("definitions")


@functools.cache
def validator(revision, name):
    """The validator of one definition; None if this revision has no such thing."""
    if name not in definitions(revision):
        return None
    where = "$defs" if "$defs" in document(revision) else "definitions"
    return jsonschema_rs.validator_for({**document(revision), "$ref": f"#/{where}/{name}"})


def must_match(revision, name, value, what):
    checker = validator(revision, name)
    if checker is None:
        return False
    wrong = [f"  at {'/'.join(map(str, e.instance_path)) or 'the top'}: {e.message[:300]}"
             for e in checker.iter_errors(value)]
    assert not wrong, (f"{what} is not a valid {name} of revision {revision}:\n" +
                       "\n".join(wrong) + f"\n{json.dumps(value)[:2000]}")
    return True


def check_from_server(revision, message, method=None):
    """Asserts that a message of the server is valid in this revision. `method` is that of the
    request which a response answers, None if it is not known."""
    assert isinstance(message, dict), f"a message must be an object: {message!r}"
    assert message.get("jsonrpc") == "2.0", f"jsonrpc is not 2.0: {message!r}"
    if "method" in message:
        assert "result" not in message and "error" not in message, message
        if not AVAILABLE:
            return
        kind = NOTIFICATIONS.get(message["method"]) or (
            "ServerRequest" if "id" in message else "ServerNotification")
        must_match(revision, kind, message, f"the server's {message['method']}")
        return
    assert ("result" in message) != ("error" in message), f"neither or both: {message!r}"
    if "error" in message:
        error = message["error"]
        assert isinstance(error.get("code"), int) and error["code"] != 0, error
        assert isinstance(error.get("message"), str) and error["message"], error
        if AVAILABLE and "id" in message and message["id"] is not None:
            (must_match(revision, "JSONRPCErrorResponse", message, "the error") or
             must_match(revision, "JSONRPCError", message, "the error"))
            if error["code"] in ERRORS:
                must_match(revision, ERRORS[error["code"]], message, "the error")
        return
    assert "id" in message, message
    if not AVAILABLE:
        return
    (must_match(revision, "JSONRPCResultResponse", message, "the response") or
     must_match(revision, "JSONRPCResponse", message, "the response"))
    kind = TYPED.get(message["result"].get("resultType")) or RESULTS.get(method)
    if kind:
        must_match(revision, kind, message["result"], f"the result of {method}")
