"""Clients that answer what they are asked, in the way of their era.

    talker = Talker(client, {"elicitation/create": accept(name="Ada")})
    talker.call("register_person")       -> the result in the end
    talker.asked                         -> what was asked, in order: dicts of method and params
"""

import time

from . import client as clients
from .client import RpcError
from .paths import PATIENCE

EVERYTHING = {"elicitation": {"form": {}, "url": {}}, "sampling": {"tools": {}}, "roots": {}}
ROUNDS = 20


class Refusal(Exception):
    """Raised by an answer: the client answers with an error (in the stateless era: never)."""


def accept(**content):
    return lambda asked: {"action": "accept", **({"content": content} if content else {})}


def decline(asked):
    return {"action": "decline"}


def cancel(asked):
    return {"action": "cancel"}


def refuse(asked):
    raise Refusal("no, thanks")


def say(text, model="test-model", **more):
    return lambda asked: {"role": "assistant", "model": model,
                          "content": {"type": "text", "text": text}, **more}


def in_turn(*answers):
    """Each answer for one question."""
    left = list(answers)
    return lambda asked: left.pop(0)(asked)


def connect(host, revision, transport, capabilities=None):
    """As client.connect, with capabilities."""
    return clients.connect(host, revision, transport,
                           capabilities=EVERYTHING if capabilities is None else capabilities)


class Talker:
    def __init__(self, client, answers):
        self.client = client
        self.answers = answers  # by method; or one function for all
        self.asked = []
        self.keys = []  # stateless era: those of each round
        self.rounds = 0

    def answer(self, asked):
        self.asked.append(asked)
        answers = self.answers
        return (answers if callable(answers) else answers[asked["method"]])(asked)

    def request(self, method, params):
        if self.client.stateless:
            return self.ask_again(method, dict(params))
        before = len(self.client.notifications.seen)
        return self.listen(self.client.start(method, params), before)

    def call(self, name, /, **arguments):
        return self.request("tools/call", {"name": name, "arguments": arguments})

    def text(self, name, /, **arguments):
        result = self.call(name, **arguments)
        assert not result.get("isError"), result
        return result["content"][0]["text"]

    # ---- stateless era: the request again, with the answers

    def ask_again(self, method, params):
        for self.rounds in range(ROUNDS):
            result = self.client.request(method, params)
            if result["resultType"] != "input_required":
                return result
            requests = result.get("inputRequests", {})
            assert requests, result
            self.keys.append(list(requests))
            params["inputResponses"] = {key: self.answer(asked)
                                        for key, asked in requests.items()}
            params["requestState"] = result["requestState"]
        raise AssertionError(f"asked more than {ROUNDS} times: {self.asked[-1]}")

    # ---- handshake era: requests of the server while ours waits

    def listen(self, pending, before):
        end = time.monotonic() + PATIENCE
        sources = [pending.notifications, self.client.notifications.seen]
        taken = [0, before]
        while True:
            done = pending.response or pending.failure  # what came before it is seen below
            for i, source in enumerate(sources):
                for message in source[taken[i]:]:
                    taken[i] += 1
                    if "id" in message:
                        self.reply(message)
            if done:
                return pending.result()
            assert time.monotonic() < end, f"waited {PATIENCE} s in vain for the answer"
            time.sleep(0.002)

    def reply(self, request):
        try:
            outcome = {"result": self.answer({k: v for k, v in request.items()
                                              if k in ("method", "params")})}
        except Refusal as e:
            outcome = {"error": {"code": -1, "message": str(e)}}
        message = {"jsonrpc": "2.0", "id": request["id"], **outcome}
        if isinstance(self.client, clients.StdioClient):
            self.client.send_message(message)
            return
        connection, response = self.client.post(message)
        body = response.body()
        self.client.keep(connection, response)
        assert response.status == 202 and body == b"", (response.status, body)


__all__ = ["EVERYTHING", "RpcError", "Refusal", "Talker", "accept", "cancel", "connect", "decline",
           "in_turn", "refuse", "say"]
