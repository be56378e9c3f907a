"""A deployment fails where Lambda has another code than the one that was built."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from stage import CDK_OUT
from stage.deploy import NotDeployed, deploy, stacks
from stage.emulator import running

EXCHANGED = "DoraOpsDeploymentFrequencyStack"
NEEDED = ("DoraOpsFoundationStack", EXCHANGED)


def test_code_that_was_exchanged_on_its_way_is_not_deployed(tmp_path: Path) -> None:
    assembly = tmp_path / "cdk.out"
    shutil.copytree(CDK_OUT, assembly)
    assets = json.loads((assembly / f"{EXCHANGED}.assets.json").read_text())
    (code,) = [
        each["source"]["path"]
        for each in assets["files"].values()
        if each["source"]["path"].endswith(".zip")
    ]
    others = [each for each in assembly.glob("asset.*.zip") if each.name != code]
    shutil.copy(others[0], assembly / code)

    foundation, exchanged = (each for each in stacks(assembly) if each.name in NEEDED)
    with running() as emulator:
        deploy(emulator, foundation)
        with pytest.raises(NotDeployed, match=r"CodeSHA256 .* is different from current"):
            deploy(emulator, exchanged)
        deploy(emulator, dataclasses.replace(exchanged, name="AsBuilt", assembly=CDK_OUT))
