"""Settings, all from the environment (`CREDIT_LEDGER_*`); the defaults run on one machine alone."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an operator may set. Every field `x` is read from `CREDIT_LEDGER_X`."""

    model_config = SettingsConfigDict(env_prefix="CREDIT_LEDGER_", extra="ignore")

    #: Folder of the embedded chain, the SQLite databases, the keystore and the locks.
    data_dir: Path = Path("data")
    #: JSON-RPC address of an EVM node; none: the embedded chain.
    rpc_url: str | None = None
    #: SQLAlchemy address (`postgresql+psycopg://...`); none: SQLite in the data folder.
    database_url: SecretStr | None = None
    #: Connections to a database server that one process has at most; `start` and each verb are one each.
    database_connections: int = Field(default=4, ge=3, le=100)
    #: File that holds the keystore's passphrase; none: `passphrase` below, then a generated file.
    passphrase_file: Path | None = None
    passphrase: SecretStr | None = None
    #: Seconds that the governor must announce what it does before it does it; set before the first start.
    governance_delay: int = Field(default=0, ge=0, le=2**32 - 1)
    #: Days the embedded chain may rest; after that somebody must say that the clock is right.
    clock_span_days: int = Field(default=35, ge=1, le=36_500)
    #: Where `start` listens. Loopback unless told.
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    #: Records per batch; the writer lowers it where gas or the node's transaction size demands.
    batch_size: int = Field(default=200, ge=1, le=1000)
    #: Seconds a batch may wait to be filled while `start` runs.
    batch_seconds: float = Field(default=1.0, gt=0, le=60)
