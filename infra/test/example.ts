// The organisation that the tests synthesise: not `config.ts`, which users edit.

import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, type Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import cdk from "../cdk.json" with { type: "json" };
import type { Configuration } from "../lib/configuration.ts";
import { METRIC_FUNCTIONS, type MetricFunctionName } from "../lib/names.ts";
import { organisation } from "../lib/organisation.ts";

export const TOOLING = "111122223333";
export const OPERATIONS = "444455556666";
export const APPLICATION = "222233334444";

export const example: Configuration = {
  operations: { account: OPERATIONS, region: "eu-west-1" },
  tooling: [{ account: TOOLING, regions: ["eu-west-1"] }],
  defaultMainBranch: "main",
  appProdStageName: "DeployPROD",
  appRepositoryNames: ["acme/payments"],
  teamByRepository: { "acme/web": "Storefront" },
  githubApiUrl: "https://api.github.com",
  incidents: {
    accounts: [
      { account: OPERATIONS, regions: ["eu-west-1"] },
      { account: APPLICATION, regions: ["eu-west-1"] },
    ],
    severities: ["1", "2"],
    sources: ["pager", "CloudWatch Alarm"],
    attribution: "explicit",
    attributionWindowHours: 48,
  },
  alarmEmails: ["dora@example.com"],
  noEventAlarmDays: 7,
  logRetentionDays: 90,
  archiveRetentionDays: 30,
  architecture: "x86_64",
  externalId: "example/dora",
  organizationId: "",
  metricNamespace: "DORA",
  doraBands: {
    year: 2024,
    deploymentsPerDay: { elite: 1, high: 1 / 7, medium: 1 / 30 },
    leadTimeHours: { elite: 24, high: 168 },
    changeFailRatePercent: { elite: 5, high: 20, medium: 10, low: 40 },
    recoveryHours: { elite: 1, high: 24, medium: 24 },
  },
  ledgerRetentionDays: 400,
};

/** The stack that each function is in. */
export const STACKS: Readonly<Record<MetricFunctionName, string>> = {
  "deployment-frequency": "DoraOpsDeploymentFrequencyStack",
  "lead-time": "DoraOpsLeadTimeForChangeStack",
  "change-failure-rate": "DoraOpsChangeFailureRateStack",
  mttr: "DoraOpsMeanTimeToRestoreStack",
};

/** A folder that looks as `cargo lambda build` leaves it; the code is never run. */
export function lambdaDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "lambda-"));
  for (const name of METRIC_FUNCTIONS) {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, "bootstrap.zip"), "not a zip");
  }
  return directory;
}

export const newApp = (): App => new App({ context: cdk.context });

export function synthesise(configuration: Configuration): Map<string, Template> {
  const app = newApp();
  organisation(app, configuration, lambdaDirectory());
  const stacks = app.node.children as Stack[];
  return new Map(stacks.map((stack) => [stack.stackName, Template.fromStack(stack)]));
}

export function template(stacks: ReadonlyMap<string, Template>, stackName: string): Template {
  const found = stacks.get(stackName);
  if (!found) throw new Error(`no stack is named ${stackName}`);
  return found;
}
