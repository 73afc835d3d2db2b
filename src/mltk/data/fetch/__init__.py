"""Getting a dataset: `download` fetches and verifies files, `unpack` extracts untrusted archives."""
