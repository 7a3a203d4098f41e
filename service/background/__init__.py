"""Work beside requests, on threads that start and stop with the service."""
