import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { example, synthesise, template } from "./example.ts";

describe("access to GitHub", () => {
  const stack = template(synthesise(example), "DoraOpsGitHubLogsStack");

  it("has a secret that is empty until somebody puts the token in, and goes with its stack", () => {
    stack.hasResource("AWS::SecretsManager::Secret", {
      DeletionPolicy: "Delete",
      UpdateReplacePolicy: "Delete",
      Properties: {
        Name: "dora-github-token",
        SecretString: Match.absent(),
        GenerateSecretString: Match.absent(),
      },
    });
  });

  it("says how to put the token in, without its passing through a file or a shell's history", () => {
    expect(stack.findOutputs("SetTokenCommand")["SetTokenCommand"]?.["Value"]).toBe(
      "aws secretsmanager put-secret-value --region eu-west-1 " +
        "--secret-id dora-github-token --secret-string file:///dev/stdin",
    );
  });
});
