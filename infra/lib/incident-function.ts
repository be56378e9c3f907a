// Makes the functions that measure incidents alike: which OpsItems are incidents,
// how far back their cause is looked for, and the permission to read them.

import { Stack, Validations } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import type { Configuration } from "./configuration.ts";
import { MetricFunction, type MetricFunctionProps } from "./metric-function.ts";
import { OPSCENTER_ROLE, type IncidentFunctionName } from "./names.ts";
import { opsItems, READ_OPS_ITEM } from "./ops-items.ts";

export interface IncidentFunctionProps extends Omit<MetricFunctionProps, "environment"> {
  readonly name: IncidentFunctionName;
}

export class IncidentFunction extends MetricFunction {
  constructor(scope: Construct, id: string, props: IncidentFunctionProps) {
    super(scope, id, { ...props, environment: settings(props.configuration) });
    // Deployments and incidents wait in the ledger for each other, as records of
    // their own that are found by time.
    props.ledger.grant(
      this.lambda,
      "dynamodb:ConditionCheckItem",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
    );
    this.letReadOpsItems(props.configuration);
  }

  private letReadOpsItems({ operations, incidents }: Configuration): void {
    const stack = Stack.of(this);
    const own = incidents.accounts
      .filter(({ account }) => account === operations.account)
      .flatMap(({ account, regions }) => regions.map((region) => opsItems(stack, account, region)));
    if (own.length > 0) {
      this.lambda.addToRolePolicy(new PolicyStatement({ actions: READ_OPS_ITEM, resources: own }));
      Validations.of(this).acknowledge(
        ...own.map((arn) => ({
          id: `AwsSolutions-IAM5[Resource::${arn}]`,
          reason: "Every OpsItem of the account may be an incident; the actions only read.",
        })),
      );
    }
    const roles = incidents.accounts
      .filter(({ account }) => account !== operations.account)
      .map(({ account }) =>
        stack.formatArn({
          service: "iam",
          region: "",
          account,
          resource: "role",
          resourceName: OPSCENTER_ROLE,
        }),
      );
    if (roles.length > 0) {
      this.lambda.addToRolePolicy(
        new PolicyStatement({ actions: ["sts:AssumeRole"], resources: roles }),
      );
    }
  }
}

const settings = ({ incidents }: Configuration): Record<string, string> => ({
  INCIDENT_ACCOUNTS: incidents.accounts
    .flatMap(({ account, regions }) => regions.map((region) => `${account}/${region}`))
    .join(","),
  INCIDENT_SEVERITIES: incidents.severities.join(","),
  INCIDENT_SOURCES: incidents.sources.join(","),
  ATTRIBUTION: incidents.attribution,
  ATTRIBUTION_WINDOW_HOURS: String(incidents.attributionWindowHours),
  OPSCENTER_ROLE,
});
