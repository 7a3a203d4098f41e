"""The last resort for errors that nothing else handles."""

import logging
import uuid

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import Problem, problem_response

logger = logging.getLogger("metashot")


class UnexpectedErrors:
    """Middleware outside all others but the metrics: logs errors without a handler, and answers a numbered 500.

    It lets no exception through: a server whose middleware waits for the first message of an answer, as BentoML's
    time limit does, would leave the caller hanging.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception as error:
            # Starlette raises another one because of a Problem that it can no longer answer.
            cause = error if isinstance(error, Problem) else error.__cause__
            if started and isinstance(cause, Problem):  # foreseen: a job deleted while its results are read
                logger.warning("the answer to %s %s was cut short: %s", scope["method"], scope["path"], cause)
                return
            number = uuid.uuid4().hex
            logger.exception("unexpected error %s at %s %s", number, scope["method"], scope["path"])
            if started:
                return  # too late for another answer; the connection ends short of what was announced
            detail = f"an unexpected error, number {number}; the service's log tells more"
            await problem_response(Problem(500, detail), scope["path"])(scope, receive, send)
