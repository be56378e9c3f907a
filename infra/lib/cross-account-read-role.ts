// The way of a function into another account: a role that functions of the
// operations account, and nobody else, may assume with the configured external id,
// and that only reads.

import { Stack, Validations } from "aws-cdk-lib";
import { PolicyDocument, PolicyStatement, Role } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import type { Configuration } from "./configuration.ts";
import { functionRoleName, type MetricFunctionName } from "./names.ts";
import { OrganizationAccount } from "./organization-account.ts";

export interface CrossAccountReadRoleProps {
  readonly roleName: string;
  readonly description: string;
  readonly configuration: Configuration;
  /** The functions that may assume it. */
  readonly functions: readonly MetricFunctionName[];
  readonly actions: string[];
  readonly resources: string[];
  /** Why the resources are all of their kind. */
  readonly reason: string;
}

export class CrossAccountReadRole extends Role {
  constructor(scope: Construct, id: string, props: CrossAccountReadRoleProps) {
    const { roleName, description, actions, resources, reason } = props;
    const { account } = props.configuration.operations;
    const functionRoles = props.functions.map((name) =>
      Stack.of(scope).formatArn({
        service: "iam",
        region: "",
        account,
        resource: "role",
        resourceName: functionRoleName(name),
      }),
    );
    super(scope, id, {
      roleName,
      description,
      assumedBy: new OrganizationAccount(account, props.configuration).withConditions({
        ArnEquals: { "aws:PrincipalArn": functionRoles },
        StringEquals: { "sts:ExternalId": props.configuration.externalId },
      }),
      inlinePolicies: {
        Read: new PolicyDocument({ statements: [new PolicyStatement({ actions, resources })] }),
      },
    });
    Validations.of(this).acknowledge(
      ...resources.map((arn) => ({ id: `AwsSolutions-IAM5[Resource::${arn}]`, reason })),
    );
  }
}
