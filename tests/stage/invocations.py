"""Runs functions as Lambda does for asynchronous invocations, and knows when all is quiet.

The emulator has these too, but gives every attempt a request id of its own and tells nobody when
the last one is over.
"""

import json
import logging
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime
from threading import Condition
from typing import Any
from uuid import uuid4

from ministack.core import iam_evaluator
from ministack.core.arn import parse_arn
from ministack.services import eventbridge, lambda_svc

logger = logging.getLogger("stage.functions")

RETRY_DELAYS = (0.2, 0.4)
"""Seconds before the second and the third attempt; on AWS one minute and two."""

ENVIRONMENTS = 12
"""How many copies of functions run at once."""


class Invocations:
    """The queue in front of the functions."""

    def __init__(self) -> None:
        self._workers = ThreadPoolExecutor(ENVIRONMENTS)
        self._changed = Condition()
        self._open = 0
        self.answers: list[dict[str, Any]] = []

    def submit(self, function: dict[str, Any], event: dict[str, Any]) -> None:
        """Invoke a function asynchronously."""
        with self._changed:
            self._open += 1
        self._workers.submit(copy_context().run, self._process, function, event)

    def tally(self) -> dict[str, Any]:
        """Count what was done so far, and what is not over."""
        answers = list(self.answers)
        errors = Counter(each["error"].get("errorType") for each in answers if "error" in each)
        outcomes = Counter(each["answer"]["outcome"] for each in answers if "answer" in each)
        return {
            "open": self._open,
            "invocations": len(answers),
            "attempts": sum(each["attempts"] for each in answers),
            "errors": errors,
            "outcomes": outcomes,
        }

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait until nothing is queued or running; tell whether that came in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._open == 0, seconds)

    def _process(self, function: dict[str, Any], event: dict[str, Any]) -> None:
        try:
            answer = _attempt(function, event)
            name = function["config"]["FunctionName"]
            self.answers.append({"function": name, "event": event, **answer})
        except Exception:
            logger.exception("an invocation was lost")
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify_all()


def install(invocations: Invocations) -> None:
    """Take over the emulator's asynchronous invocations, and log what functions print."""
    log_to_cloudwatch = lambda_svc._emit_lambda_logs

    def emit_logs(
        function: dict[str, Any], request_id: str, text: str, *rest: Any, **more: Any
    ) -> None:
        if text:
            logger.info("%s\n%s", function["config"]["FunctionName"], text)
        log_to_cloudwatch(function, request_id, text, *rest, **more)

    lambda_svc._emit_lambda_logs = emit_logs
    lambda_svc.invoke_async_with_retry = invocations.submit


def _attempt(function: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """Try as often as the function's configuration says; return its last answer or error."""
    rules = lambda_svc._event_invoke_config(function, "$LATEST") or {}
    attempts = 1 + rules.get("MaximumRetryAttempts", 2)
    request_id = str(uuid4())
    for attempt in range(attempts):
        if attempt:
            time.sleep(RETRY_DELAYS[attempt - 1])
        result = _run(function, event, request_id)
        if not result.get("error"):
            return {"attempts": attempt + 1, "answer": result["body"]}
    queue = rules.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if queue is not None:
        _report_failure(function, queue, request_id, attempts, event, result["body"])
    return {"attempts": attempts, "error": result["body"]}


def _run(function: dict[str, Any], event: dict[str, Any], request_id: str) -> dict[str, Any]:
    config = function["config"]
    slot, _ = lambda_svc._acquire_execution_slot(function, config)
    try:
        result: dict[str, Any] = lambda_svc._run_with_function_config_scope(
            function,
            lambda_svc._execute_function_dispatch,
            function,
            config,
            event,
            request_id,
            time.time(),
        )
        return result
    finally:
        lambda_svc._release_execution_slot(slot)


def _report_failure(
    function: dict[str, Any],
    queue: str,
    request_id: str,
    attempts: int,
    event: dict[str, Any],
    error: Any,
) -> None:
    config = function["config"]
    arn = parse_arn(config["FunctionArn"])
    role = config["Role"].rpartition("/")[2]
    sending = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{arn.account_id}:assumed-role/{role}/stage",
        principal_type="AssumedRole",
        principal_account=arn.account_id,
        action="sqs:SendMessage",
        resource_arn=queue,
        region=arn.region,
    )
    policies = iam_evaluator._gather_role_policies(role, arn.account_id)
    if iam_evaluator.evaluate(sending, policies).decision != "Allow":
        logger.error("%s may not send to %s: a failed event is lost", role, queue)
        return
    record = {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{config['FunctionArn']}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": attempts,
        },
        "requestPayload": event,
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "responsePayload": error,
    }
    lambda_svc._run_with_function_config_scope(
        function, eventbridge._dispatch_to_sqs, parse_arn(queue), json.dumps(record)
    )
