"""The service: adapts an initialization to a request's support set and answers its queries."""
