"""What kind of body a request brings, as its Content-Type says."""

from starlette.datastructures import Headers

FORM, JSON = "multipart/form-data", "application/json"
URLENCODED = "application/x-www-form-urlencoded"  # a form without files, which curl -d sends by default


def media_type(headers: Headers) -> str:
    """Give the media type in lower case and without parameters such as ``boundary``; '' if there is none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()
