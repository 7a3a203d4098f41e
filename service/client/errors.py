"""What goes wrong between a client and the service, as exceptions."""

import httpx

_PASSING = (502, 503, 504)  # 502 and 504 are a proxy's, while the service restarts or takes long


class ServiceError(RuntimeError):
    """The service refused a request, or could not be reached; the message says why."""


class Unreachable(ServiceError):
    """No answer came, or only that there is none as yet (503, 504): a later try may succeed.

    Attributes:
        retry_after_s: seconds to wait before it, as the server asks; 0 if it said nothing.
    """

    def __init__(self, message: str, retry_after_s: int = 0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooMuch(ServiceError):
    """The request is larger than the server takes, or takes longer to arrive; neither changes by a retry."""


class Missing(ServiceError):
    """There is no such task, example, class or job on the server."""


def check(response: httpx.Response) -> None:
    """Raise what an answer that is a refusal says."""
    if response.is_error:
        response.read()
        try:
            problem = response.json()
            detail = str(problem["detail"])
            if (file := str(problem.get("file", ""))) not in detail:
                detail += f" (file {file})"
        except (ValueError, KeyError, TypeError):
            said = " ".join(response.text.split())[:200] or response.reason_phrase
            detail = (
                f"{said} (from a proxy or another server, not this service; check the address, with any password)"
            )
        message = f"{response.status_code}: {detail}"
        if response.status_code in _PASSING:
            asked = response.headers.get("retry-after", "")
            raise Unreachable(message, int(asked) if asked.isdecimal() else 0)
        if response.status_code == httpx.codes.NOT_FOUND:
            raise Missing(message)
        too_much = (httpx.codes.REQUEST_ENTITY_TOO_LARGE, httpx.codes.REQUEST_TIMEOUT)
        raise (TooMuch if response.status_code in too_much else ServiceError)(message)
