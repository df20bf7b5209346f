"""The secret that keys every hash of personal values, one per tenant."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from leadhouse.conf.errors import InputError

VARIABLE = "LEADHOUSE_IDENTITY_KEY"
_LEAST_BYTES = 16


def tenant_keys(tenants: Iterable[str], key_file: Path) -> Mapping[str, bytes]:
    """Return each tenant's key, derived from one secret: the environment's LEADHOUSE_IDENTITY_KEY, else the key file's.

    A missing key file is made, readable by its owner alone. Whoever has the secret can link hashes to known addresses,
    and without it a lake's hashes can't be made again: keep it, and away from the lake. Raises InputError if it is too
    short to protect anything.
    """
    secret = os.environ.get(VARIABLE, "").encode() or _from_file(key_file)
    if len(secret) < _LEAST_BYTES:
        raise InputError(
            f"identity key: expected at least {_LEAST_BYTES} characters in {VARIABLE} or {key_file}; "
            f"got {len(secret)}; use a longer one"
        )
    return {tenant: hmac.new(secret, tenant.encode(), hashlib.sha256).digest() for tenant in tenants}


def check_key(key_file: Path | None) -> None:
    """Raise InputError if the secret that is there already, in the environment or the file, is too short."""
    if os.environ.get(VARIABLE) or (key_file is not None and key_file.exists()):
        tenant_keys((), key_file or Path())


def _from_file(key_file: Path) -> bytes:
    if not key_file.exists():
        key_file.parent.mkdir(parents=True, exist_ok=True)
        partial = key_file.with_suffix(".partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_hex(32))
        partial.replace(key_file)  # killed before this, the next run begins again
    return key_file.read_bytes().strip()
