// What a function reads of an OpsItem, which its event does not hold: severity,
// operational data and tags.

import type { Stack } from "aws-cdk-lib";

export const READ_OPS_ITEM = ["ssm:GetOpsItem", "ssm:ListTagsForResource"];

/** All OpsItems of an account and Region. */
export const opsItems = (stack: Stack, account: string, region: string): string =>
  stack.formatArn({ service: "ssm", account, region, resource: "opsitem", resourceName: "*" });
