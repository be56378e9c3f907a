"""Lints every IAM policy of a cloud assembly, offline: `python lint_policies.py FOLDER`."""

import json
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # parliament's own affair
    import parliament

ACCEPTED = {
    ("AWS::IAM::Role", "MALFORMED", "Statement contains neither Resource nor NotResource"): (
        "a trust policy has none: its resource is the role; the linter knows no trust policies"
    ),
    ("AWS::Events::EventBus", "MISMATCHED_TYPE", "Type mismatch: Bool requires a value of"): (
        "as in all of AWS's examples; IAM takes the text true for the truth value"
    ),
    ("AWS::KMS::Key", "RESOURCE_STAR", "['kms:CancelKeyDeletion'"): (
        "in a key's policy * is this key; its account administers it"
    ),
    ("AWS::KMS::Key", "RESOURCE_STAR", "['kms:Decrypt'"): "in a key's policy * is this key",
}
"""Resource type, finding, and how its detail begins → why it is none."""

_DOCUMENTS = (
    "AssumeRolePolicyDocument",
    "KeyPolicy",
    "Policy",
    "PolicyDocument",
)
_ARNS = {
    "AWS::DynamoDB::Table": "dynamodb:eu-west-1:444455556666:table/ledger",
    "AWS::Events::Rule": "events:eu-west-1:444455556666:rule/rule",
    "AWS::KMS::Key": "kms:eu-west-1:444455556666:key/01234567-89ab-cdef-0123-456789abcdef",
    "AWS::Logs::LogGroup": "logs:eu-west-1:444455556666:log-group:/aws/lambda/function:*",
    "AWS::SQS::Queue": "sqs:eu-west-1:444455556666:queue",
    "AWS::SNS::Topic": "sns:eu-west-1:444455556666:topic",
    "AWS::SecretsManager::Secret": "secretsmanager:eu-west-1:444455556666:secret:token-AbCdEf",
}


def main(assembly: Path) -> int:
    """Print what is wrong with the policies; return the exit status."""
    templates = [json.loads(each.read_text()) for each in sorted(assembly.glob("*.template.json"))]
    exports = {
        output["Export"]["Name"]: (template, output["Value"])
        for template in templates
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }
    checked, problems, needed = 0, [], set()
    for template in templates:
        for name, kind, document in _policies(template):
            policy = _resolved(document, template, exports)
            checked += 1
            for finding in parliament.analyze_policy_string(json.dumps(policy)).findings:
                reason = _accepted(kind, finding.issue, str(finding.detail))
                needed.add(reason)
                if reason is None:
                    problems.append(f"{name} ({kind}): {finding.issue}: {finding.detail}")
    problems += [f"{each}: not needed any longer" for each in ACCEPTED.keys() - needed]
    print(*problems, f"{checked} policies, {len(problems)} findings", sep="\n")
    return 1 if problems or not checked else 0


def _accepted(kind: str, issue: str, detail: str) -> tuple[str, str, str] | None:
    found = [each for each in ACCEPTED if each[:2] == (kind, issue) and detail.startswith(each[2])]
    return found[0] if found else None


def _policies(template: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        documents = [properties[key] for key in _DOCUMENTS if key in properties]
        documents += [each["PolicyDocument"] for each in properties.get("Policies", [])]
        if "ResourcePolicy" in properties:
            documents.append(properties["ResourcePolicy"]["PolicyDocument"])
        for document in documents:
            yield name, resource["Type"], {"Version": "2012-10-17", **document}


def _resolved(value: Any, template: dict[str, Any], exports: Mapping[str, Any]) -> Any:
    """Put an ARN in place of each reference: the linter knows no CloudFormation."""
    match value:
        case {"Ref": name} | {"Fn::GetAtt": [name, "Arn"]}:
            return f"arn:aws:{_ARNS[template['Resources'][name]['Type']]}"
        case {"Fn::ImportValue": name}:
            exporter, exported = exports[name]
            return _resolved(exported, exporter, exports)
        case dict():
            return {key: _resolved(each, template, exports) for key, each in value.items()}
        case list():
            return [_resolved(each, template, exports) for each in value]
        case _:
            return value


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
