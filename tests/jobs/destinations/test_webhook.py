from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from leadhouse.jobs.destinations.webhook import Webhook
from tests.jobs.destinations.entries import an_action
from tests.jobs.destinations.receiver import Receiver, receiving


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with receiving() as told:
        yield told


def a_webhook(url: str, waits: list[float], **more: Any) -> Webhook:
    options: dict[str, Any] = {
        "token": None,
        "batch_size": 100,
        "timeout_seconds": 5.0,
        "retries": 3,
        "pause": waits.append,
    }
    return Webhook(url, **(options | more))


def test_a_batch_says_who_what_and_why_with_token_and_key(receiver: Receiver) -> None:
    webhook = a_webhook(receiver.url, [], token="geheim", batch_size=2)
    answers = list(webhook.deliver("plan", [an_action(n) for n in (1, 2, 3)], []))
    assert [answer.status for answer in answers] == ["accepted"] * 3
    assert answers[0].detail == "HTTP 200"
    (headers, body), (other, rest) = receiver.got
    assert (headers["Authorization"], headers["Content-Type"]) == ("Bearer geheim", "application/json")
    assert headers["Idempotency-Key"] != other["Idempotency-Key"]
    assert (body["tenant"], body["plan_id"]) == ("acme", "plan")
    assert [action["action_id"] for action in body["actions"] + rest["actions"]] == ["a1", "a2", "a3"]
    first = body["actions"][0]
    assert (first["operation"], first["email"], first["score"]) == ("enter", "ann@example.org", 0.25)
    assert first["external_ids"] == {"crm": "=1+1", "web": "w7"}


def test_the_same_actions_carry_the_same_key_again(receiver: Receiver) -> None:
    for _ in range(2):
        list(a_webhook(receiver.url, []).deliver("plan", [an_action(1), an_action(2)], []))
    assert len({headers["Idempotency-Key"] for headers, _ in receiver.got}) == 1


def test_a_failure_of_the_other_side_is_tried_again_with_growing_waits(receiver: Receiver) -> None:
    receiver.replies = [(500, {}), (503, {}), (200, {})]
    waits: list[float] = []
    (answer,) = a_webhook(receiver.url, waits).deliver("plan", [an_action()], [])
    assert (answer.status, waits) == ("accepted", [0.5, 1.0])
    assert len({headers["Idempotency-Key"] for headers, _ in receiver.got}) == 1


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "86400"}, 60.0),
        ({"Retry-After": "Wed, 01 May 2024 00:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, 0.5),
        ({}, 0.5),
    ],
)
def test_retry_after_is_honoured_up_to_a_minute(receiver: Receiver, headers: dict[str, str], waited: float) -> None:
    receiver.replies = [(429, headers)]
    waits: list[float] = []
    (answer,) = a_webhook(receiver.url, waits).deliver("plan", [an_action()], [])
    assert (answer.status, waits) == ("accepted", [waited])


def test_a_refused_batch_is_not_tried_again_and_the_next_is_sent(receiver: Receiver) -> None:
    receiver.replies = [(400, {})]
    waits: list[float] = []
    answers = list(a_webhook(receiver.url, waits, batch_size=1).deliver("plan", [an_action(1), an_action(2)], []))
    assert [(answer.status, answer.detail) for answer in answers] == [("refused", "HTTP 400"), ("accepted", "HTTP 200")]
    assert waits == []


def test_a_redirect_is_not_followed_so_the_token_stays_home(receiver: Receiver) -> None:
    receiver.replies = [(307, {"Location": "http://127.0.0.1:9/elsewhere"})]
    (answer,) = a_webhook(receiver.url, [], token="geheim").deliver("plan", [an_action()], [])
    assert answer.status == "refused"
    assert "redirect" in answer.detail
    assert len(receiver.got) == 1


def test_after_the_last_retry_it_is_unknown_and_the_rest_is_not_tried(receiver: Receiver) -> None:
    receiver.replies = [(500, {})] * 3
    waits: list[float] = []
    webhook = a_webhook(receiver.url, waits, batch_size=1, retries=2)
    (answer,) = webhook.deliver("plan", [an_action(1), an_action(2)], [])
    assert (answer.status, answer.detail) == ("unknown", "HTTP 500, 3 attempts")
    assert len(receiver.got) == 3
    assert waits == [0.5, 1.0]


def test_nobody_at_the_port_is_an_answer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (answer,) = a_webhook(f"http://127.0.0.1:{port}/", [], retries=1).deliver("plan", [an_action()], [])
    assert (answer.status, answer.detail) == ("unknown", "no answer: Connection refused, 2 attempts")


def test_a_connection_that_breaks_off_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.recv(100)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        (answer,) = a_webhook(url, [], retries=0).deliver("plan", [an_action()], [])
        thread.join()
    assert answer.status == "unknown"
    assert answer.detail.startswith("no answer: ")


def test_tenants_never_share_a_batch(receiver: Receiver) -> None:
    actions = [an_action(1), an_action(2, tenant="beta"), an_action(3, tenant="beta")]
    list(a_webhook(receiver.url, []).deliver("plan", actions, []))
    assert [(body["tenant"], len(body["actions"])) for _, body in receiver.got] == [("acme", 1), ("beta", 2)]
