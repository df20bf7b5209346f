"""The ``webhook`` destination: HTTP POST of JSON in batches, with retries and an idempotency key."""

from __future__ import annotations

import hashlib
import http.client
import itertools
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime

from leadhouse.jobs.destinations.destination import ACCEPTED, REFUSED, UNKNOWN, Action, Answer, ListNow
from leadhouse.jobs.destinations.files import document

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 60.0
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class _Reply:
    """What one attempt came to."""

    status: int | None
    """HTTP status; None if there was no reply."""
    detail: str
    wait_seconds: float | None = None
    """How long the other side asks us to wait."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could take the token and the people's data to another host: it is an answer, not an order."""

    def redirect_request(self, *args: object) -> None:
        return None


class Webhook:
    """Tells changes to a URL of the user's own.

    Each batch carries ``Idempotency-Key``, the hash of its actions' ids, the same however often it is sent; each action
    carries its ``action_id``, too. So the receiver can do it once, and must: an answer can get lost on its way to us.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None,
        batch_size: int,
        timeout_seconds: float,
        retries: int,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url
        self.token = token
        self.batch_size = batch_size
        self.timeout_seconds = timeout_seconds
        self.retries = retries
        self.pause = pause
        self._opener = urllib.request.build_opener(_NoRedirect)

    def deliver(self, plan_id: str, actions: Iterable[Action], lists: Iterable[ListNow]) -> Iterator[Answer]:
        """Send the actions in batches of one tenant. After a batch that can't be delivered the rest isn't tried."""
        for tenant, of_tenant in itertools.groupby(actions, key=lambda action: action.entry.tenant):
            while batch := list(itertools.islice(of_tenant, self.batch_size)):
                status, detail = self._send(tenant, plan_id, batch)
                for action in batch:
                    yield Answer(action, status, detail)
                if status == UNKNOWN:
                    return

    def _send(self, tenant: str, plan_id: str, batch: Sequence[Action]) -> tuple[str, str]:
        """Send one batch, again where that may help; return the status of its actions and why."""
        request = self._request(tenant, plan_id, batch)
        reply = _Reply(None, "not tried")
        for attempt in range(self.retries + 1):
            reply = self._attempt(request)
            if reply.status is not None and 200 <= reply.status < 300:
                return ACCEPTED, reply.detail
            if reply.status is not None and reply.status not in _RETRIED and reply.status < 500:
                return REFUSED, reply.detail
            if attempt < self.retries:
                self.pause(min(LONGEST_WAIT_SECONDS, _wait(reply, attempt)))
        return UNKNOWN, f"{reply.detail}, {self.retries + 1} attempts"

    def _request(self, tenant: str, plan_id: str, batch: Sequence[Action]) -> urllib.request.Request:
        said = [
            {"action_id": action.action_id, "operation": action.operation} | document(action.entry) for action in batch
        ]
        body = {"tenant": tenant, "plan_id": plan_id, "actions": said}
        key = hashlib.sha256("\n".join(action.action_id for action in batch).encode()).hexdigest()[:32]
        headers = {"Content-Type": "application/json", "Idempotency-Key": key, "User-Agent": "leadhouse"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return urllib.request.Request(
            self.url, data=json.dumps(body, ensure_ascii=False).encode("utf-8"), headers=headers, method="POST"
        )

    def _attempt(self, request: urllib.request.Request) -> _Reply:
        """Send once. The reply's body is not kept: it may quote the people's data."""
        try:
            with self._opener.open(request, timeout=self.timeout_seconds) as response:
                return _Reply(response.status, f"HTTP {response.status}")
        except urllib.error.HTTPError as problem:
            problem.close()
            if 300 <= problem.code < 400:
                return _Reply(
                    problem.code, f"HTTP {problem.code}, a redirect, which is not followed: set the final url"
                )
            return _Reply(problem.code, f"HTTP {problem.code}", _asked_wait(problem.headers))
        except urllib.error.URLError as problem:
            return _Reply(None, f"no answer: {_reason(problem.reason)}")
        except (OSError, http.client.HTTPException) as problem:
            return _Reply(None, f"no answer: {_reason(problem)}")


def _wait(reply: _Reply, attempt: int) -> float:
    """Seconds before the next attempt: what the other side asks for, else twice as long each time."""
    return reply.wait_seconds if reply.wait_seconds is not None else FIRST_WAIT_SECONDS * 2**attempt


def _asked_wait(headers: Message) -> float | None:
    """Seconds that ``Retry-After`` asks for, a number or a date (counted from the reply's own Date)."""
    asked = (headers.get("Retry-After") or "").strip()
    if asked.isdigit():
        return float(asked)
    try:
        until, said_at = parsedate_to_datetime(asked), parsedate_to_datetime(headers.get("Date") or "")
        return max(0.0, (until - said_at).total_seconds())
    except (ValueError, TypeError):
        return None


def _reason(problem: object) -> str:
    return problem.strerror or type(problem).__name__ if isinstance(problem, OSError) else type(problem).__name__
