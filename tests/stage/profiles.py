"""Profiles for the stage's accounts: what an operator has for those on AWS."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from stage import HOME
from stage.emulator import SECRET, Emulator


@contextlib.contextmanager
def profiles(
    emulator: Emulator, accounts: Mapping[str, str], region: str
) -> Iterator[dict[str, str]]:
    """Give an environment in which tools find these profiles, the stage, and nothing of the user's.

    The account of a profile is its access key. The CDK remembers the account of a key.
    """
    with tempfile.TemporaryDirectory(prefix="profiles-", dir=HOME) as scratch:
        config = Path(scratch) / "config"
        config.write_text(
            "".join(
                f"[profile {name}]\nregion = {region}\n"
                f"aws_access_key_id = {account}\naws_secret_access_key = {SECRET}\n"
                for name, account in accounts.items()
            )
        )
        credentials = Path(scratch) / "credentials"
        credentials.write_text("")
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "MAKE", "MFLAGS"))
            and not name.lower().endswith("_proxy")
        }
        yield inherited | {
            "AWS_CONFIG_FILE": str(config),
            "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
            "AWS_ENDPOINT_URL": emulator.endpoint,
            "AWS_ENDPOINT_URL_S3": emulator.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_HOME": scratch,
        }
