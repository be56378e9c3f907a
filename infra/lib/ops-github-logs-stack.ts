// What the functions need to read GitHub's log of commits and pull requests: a
// place for the token that lets them.

import { CfnOutput, RemovalPolicy, Stack, Validations, type StackProps } from "aws-cdk-lib";
import { Secret, type CfnSecret, type ISecret } from "aws-cdk-lib/aws-secretsmanager";
import type { Construct } from "constructs";
import { GITHUB_TOKEN_SECRET } from "./names.ts";

export class OpsGitHubLogsStack extends Stack {
  readonly token: ISecret;

  constructor(scope: Construct, id: string, props: StackProps) {
    super(scope, id, { ...props, description: "DORA metrics: access to GitHub" });
    this.token = this.createToken();
  }

  private createToken(): Secret {
    const token = new Secret(this, "Token", {
      secretName: GITHUB_TOKEN_SECRET,
      description: "The token, as plain text, with which the DORA metrics read GitHub",
      // GitHub issues another one at any time; this one should not outlive its use.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // Empty until somebody puts the token in. The CDK would have a random text
    // generated, with which the functions would then try to log in to GitHub.
    (token.node.defaultChild as CfnSecret).generateSecretString = undefined;
    Validations.of(token).acknowledge({
      id: "AwsSolutions-SMG4",
      reason: "Only people can have GitHub issue a token; the functions read it again once GitHub refuses it.",
    });
    new CfnOutput(this, "SetTokenCommand", {
      description: "Asks for GitHub's token (paste it, Enter, Ctrl-D) and puts it into the secret",
      value:
        `aws secretsmanager put-secret-value --region ${this.region} ` +
        `--secret-id ${GITHUB_TOKEN_SECRET} --secret-string file:///dev/stdin`,
    });
    return token;
  }
}
