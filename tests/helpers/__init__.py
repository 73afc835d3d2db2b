"""Helpers that several tests share: small models, made-up recordings, a file server."""
