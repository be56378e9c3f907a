"""GitHub's stand-in as a part of the stage."""

import http.client
import json
from typing import Any

import pytest

from stage.emulator import DirectionRefused, Emulator, running
from stage.github import ROOT, TOKEN
from stage.github.story import sha


def test_the_stage_has_a_github() -> None:
    steps = [{"commit": "c0", "on": "main", "authored": "2026-11-01T08:00:00Z"}]
    with running() as emulator:
        emulator.load_github([{"repository": "acme/web", "steps": steps}])
        emulator.fail_github(502)
        assert ask(emulator)[0] == 502
        status, commit = ask(emulator)
        assert (status, json.loads(commit)["sha"]) == (200, sha("acme/web", "c0"))
        assert [each["status"] for each in emulator.github_requests()] == [502, 200]
        emulator.fail_github("cut-before")
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            ask(emulator)
        with pytest.raises(DirectionRefused, match="does not fail in this way"):
            emulator.fail_github(418)
        with pytest.raises(DirectionRefused, match=r"step 1 \(commit c0\)"):
            emulator.load_github([{"repository": "acme/web", "steps": [{"commit": "c0"}]}])
        emulator.forget()
        assert emulator.github_requests() == []
        assert ask(emulator)[0] == 404


def ask(emulator: Emulator) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(emulator.endpoint.removeprefix("http://"))
    headers = {"Authorization": f"Bearer {TOKEN}", "User-Agent": "tests"}
    try:
        connection.request("GET", f"{ROOT}/repos/acme/web/commits/main", headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
