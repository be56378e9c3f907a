"""Deploys what `cdk synth` wrote: assets first, then every stack unmodified, each in its account.

It reads the cloud assembly as `cdk deploy` does, and provides what `cdk bootstrap` would have.
"""

import contextlib
import io
import json
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stage.emulator import Emulator

_BOOTSTRAP_VERSION = "30"
_DEPLOY_SECONDS = 120
_POLL_SECONDS = 0.05


class NotDeployed(Exception):
    """A stack could not be created."""


@dataclass(frozen=True)
class Stack:
    """A stack of the cloud assembly and where it belongs."""

    name: str
    account: str
    region: str
    assembly: Path
    artifact: dict[str, Any]

    @property
    def template(self) -> str:
        """Return the template as it was synthesised."""
        file: str = self.artifact["properties"]["templateFile"]
        return (self.assembly / file).read_text()

    def resources(self, kind: str) -> list[dict[str, Any]]:
        """Return the template's resources of one type."""
        resources = json.loads(self.template)["Resources"].values()
        return [each for each in resources if each["Type"] == kind]


def stacks(assembly: Path) -> list[Stack]:
    """Return the stacks of a cloud assembly, in the order in which they can be created."""
    manifest = assembly / "manifest.json"
    if not manifest.exists():
        raise NotDeployed(f"{manifest} is missing: the templates are not synthesised yet")
    artifacts = json.loads(manifest.read_text())["artifacts"]
    waiting = {
        name: artifact
        for name, artifact in artifacts.items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    ordered = []
    while waiting:
        ready = [
            name
            for name, artifact in waiting.items()
            if not waiting.keys() & set(artifact.get("dependencies", []))
        ]
        for name in ready:
            artifact = waiting.pop(name)
            account, region = artifact["environment"].removeprefix("aws://").split("/")
            stack_name = artifact["properties"].get("stackName", name)
            ordered.append(Stack(stack_name, account, region, assembly, artifact))
    return ordered


def deploy(emulator: Emulator, stack: Stack) -> dict[str, str]:
    """Create one stack and return its physical ids by logical id."""
    _upload_assets(emulator, stack)
    ssm = emulator.client("ssm", stack.account, stack.region)
    parameter = stack.artifact["properties"]["bootstrapStackVersionSsmParameter"]
    ssm.put_parameter(Name=parameter, Value=_BOOTSTRAP_VERSION, Type="String", Overwrite=True)
    cloudformation = emulator.client("cloudformation", stack.account, stack.region)
    cloudformation.create_stack(
        StackName=stack.name,
        TemplateBody=stack.template,
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    deadline = time.monotonic() + _DEPLOY_SECONDS
    while (status := _status(cloudformation, stack.name)) == "CREATE_IN_PROGRESS":
        if time.monotonic() > deadline:
            raise NotDeployed(f"{stack.name} is still {status} after {_DEPLOY_SECONDS} s")
        time.sleep(_POLL_SECONDS)
    if status != "CREATE_COMPLETE":
        raise NotDeployed(f"{stack.name} is {status}\n{_reasons(cloudformation, stack.name)}")
    resources = cloudformation.describe_stack_resources(StackName=stack.name)["StackResources"]
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources}


def _upload_assets(emulator: Emulator, stack: Stack) -> None:
    s3 = emulator.client("s3", stack.account, stack.region)
    template = stack.artifact["properties"]["templateFile"]
    manifest_file = template.replace(".template.json", ".assets.json")
    manifest = json.loads((stack.assembly / manifest_file).read_text())
    for asset in manifest["files"].values():
        content = _content(stack.assembly, asset["source"])
        for destination in asset["destinations"].values():
            bucket = destination["bucketName"]
            with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
                place = {"LocationConstraint": stack.region}
                s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
            s3.put_object(Bucket=bucket, Key=destination["objectKey"], Body=content)


def _content(assembly: Path, source: dict[str, str]) -> bytes:
    path = assembly / source["path"]
    if source["packaging"] == "file":
        return path.read_bytes()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        for file in sorted(path.rglob("*")):
            packed.write(file, file.relative_to(path))
    return archive.getvalue()


def _status(cloudformation: Any, name: str) -> str:
    status: str = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    return status


def _reasons(cloudformation: Any, name: str) -> str:
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return "\n".join(
        f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("FAILED") and event.get("ResourceStatusReason")
    )
