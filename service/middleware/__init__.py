"""Pure ASGI middleware, around all routes."""
