import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { describe, expect, it } from "vitest";
import { INCIDENT_FUNCTIONS, METRIC_FUNCTIONS } from "../lib/names.ts";
import { organisation } from "../lib/organisation.ts";
import {
  APPLICATION,
  example,
  lambdaDirectory,
  newApp,
  OPERATIONS,
  STACKS,
  synthesise,
  TOOLING,
} from "./example.ts";

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
}

/** Where a template's resources name something: `Type.Property.Property`. */
function mentions(value: unknown, text: string, path: string[] = []): string[] {
  if (typeof value === "string") return value.includes(text) ? [path.join(".")] : [];
  if (Array.isArray(value)) return value.flatMap((item) => mentions(item, text, path));
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, inner]) => mentions(inner, text, [...path, key]));
}

function resourceMentions(
  resources: Record<string, { Type: string; Properties: unknown }>,
  text: string,
) {
  const found = Object.values(resources).flatMap(({ Type, Properties }) =>
    mentions(Properties, text, [Type]),
  );
  return [...new Set(found)].sort();
}

function statements(value: unknown): Statement[] {
  if (Array.isArray(value)) return value.flatMap(statements);
  if (value === null || typeof value !== "object") return [];
  const here = "Effect" in value && "Action" in value ? [value as Statement] : [];
  return [...here, ...Object.values(value).flatMap(statements)];
}

describe("an organisation", () => {
  const stacks = synthesise(example);
  const resources = (name: string) => stacks.get(name)?.toJSON()["Resources"];

  it("has the stacks that its accounts need", () => {
    expect([...stacks.keys()]).toEqual([
      "DoraOpsFoundationStack",
      "DoraOpsGitHubLogsStack",
      "DoraOpsDeploymentFrequencyStack",
      "DoraOpsLeadTimeForChangeStack",
      "DoraOpsChangeFailureRateStack",
      "DoraOpsMeanTimeToRestoreStack",
      "DoraOpsMetricsDashboardStack",
      "DoraToolingEventBridgeStack",
      "DoraOpsIncidentsStack",
      "DoraApplicationOpsCenterStack-222233334444-eu-west-1",
    ]);
  });

  it.each(["DoraToolingEventBridgeStack", "DoraApplicationOpsCenterStack-222233334444-eu-west-1"])(
    "names the operations account in %s only as bus, as topic and as trusted",
    (stack) => {
      expect(resourceMentions(resources(stack), OPERATIONS)).toEqual([
        "AWS::CloudWatch::Alarm.AlarmActions",
        "AWS::Events::Rule.Targets.Arn",
        "AWS::IAM::Policy.PolicyDocument.Statement.Resource",
        "AWS::IAM::Role.AssumeRolePolicyDocument.Statement.Condition.ArnEquals.aws:PrincipalArn",
        "AWS::IAM::Role.AssumeRolePolicyDocument.Statement.Principal.AWS",
      ]);
    },
  );

  it("names the tooling account in the operations account only as sender and as read from", () => {
    for (const stack of Object.values(STACKS)) {
      expect(resourceMentions(resources(stack), TOOLING)).toEqual([
        "AWS::Events::EventBus.Policy.Statement.Principal.AWS",
        "AWS::Events::Rule.EventPattern.account",
        "AWS::IAM::Policy.PolicyDocument.Statement.Resource",
        "AWS::Lambda::Function.Environment.Variables.TOOLING_ACCOUNT_IDS",
      ]);
    }
    expect(resourceMentions(resources("DoraOpsGitHubLogsStack"), TOOLING)).toEqual([]);
  });

  it("names the other accounts in the foundation only as those whose alarms may tell its topic", () => {
    for (const account of [TOOLING, APPLICATION]) {
      expect(resourceMentions(resources("DoraOpsFoundationStack"), account)).toEqual([
        "AWS::KMS::Key.KeyPolicy.Statement.Condition.ArnLike.aws:SourceArn",
        "AWS::KMS::Key.KeyPolicy.Statement.Condition.StringEquals.aws:SourceAccount",
        "AWS::SNS::TopicPolicy.PolicyDocument.Statement.Condition.ArnLike.aws:SourceArn",
        "AWS::SNS::TopicPolicy.PolicyDocument.Statement.Condition.StringEquals.aws:SourceAccount",
      ]);
    }
  });

  it("names an application account in the operations account only as sender and as read from", () => {
    for (const name of METRIC_FUNCTIONS) {
      const measuresIncidents = (INCIDENT_FUNCTIONS as readonly string[]).includes(name);
      expect(resourceMentions(resources(STACKS[name]), APPLICATION)).toEqual(
        measuresIncidents
          ? [
              "AWS::Events::EventBus.Policy.Statement.Principal.AWS",
              "AWS::Events::Rule.EventPattern.account",
              "AWS::IAM::Policy.PolicyDocument.Statement.Resource",
              "AWS::Lambda::Function.Environment.Variables.INCIDENT_ACCOUNTS",
            ]
          : [],
      );
    }
  });

  it("imports nothing into another account, where CloudFormation could not resolve it", () => {
    const elsewhere = [...stacks.keys()].filter((name) => !name.startsWith("DoraOps"));
    expect(elsewhere).toHaveLength(2);
    for (const stack of elsewhere) {
      expect(JSON.stringify(resources(stack))).not.toContain("ImportValue");
    }
  });

  it.each([
    "DoraToolingEventBridgeStack",
    "DoraOpsIncidentsStack",
    "DoraApplicationOpsCenterStack-222233334444-eu-west-1",
  ])("deploys the buses before the rules of %s, which feed them", (name) => {
    const app = newApp();
    organisation(app, example, lambdaDirectory());
    const stack = app.synth().getStackByName(name);
    expect(stack.dependencies.map(({ id }) => id)).toEqual(
      expect.arrayContaining(Object.values(STACKS)),
    );
  });

  it("allows no action by a wildcard, save a key's own administration and data keys", () => {
    const allowed = [...stacks.values()]
      .flatMap((stack) => statements(stack.toJSON()["Resources"]))
      .filter(({ Effect }) => Effect === "Allow")
      .flatMap(({ Action }) => Action);
    expect([...new Set(allowed.filter((action) => action.includes("*")))].sort()).toEqual([
      "kms:*",
      "kms:GenerateDataKey*",
    ]);
  });

  it("attaches no managed policy", () => {
    for (const stack of stacks.values()) {
      for (const role of Object.values(stack.findResources("AWS::IAM::Role"))) {
        expect(role["Properties"]).not.toHaveProperty("ManagedPolicyArns");
      }
    }
  });

  it("tries every rule's target for a day, and has a dead-letter queue for it", () => {
    for (const stack of stacks.values()) {
      for (const rule of Object.values(stack.findResources("AWS::Events::Rule"))) {
        for (const target of rule["Properties"].Targets) {
          expect(target).toHaveProperty("DeadLetterConfig.Arn");
          expect(target.RetryPolicy).toEqual({
            MaximumEventAgeInSeconds: 24 * 60 * 60,
            MaximumRetryAttempts: 185,
          });
        }
      }
    }
  });

  it("encrypts its queues, keeps what is in them for 14 days and refuses plain HTTP", () => {
    for (const stack of stacks.values()) {
      const queues = stack.findResources("AWS::SQS::Queue");
      const refusals = statements(stack.findResources("AWS::SQS::QueuePolicy")).filter(
        ({ Effect }) => Effect === "Deny",
      );
      expect(refusals).toHaveLength(Object.keys(queues).length);
      for (const queue of Object.values(queues)) {
        expect(queue["Properties"]).toMatchObject({
          MessageRetentionPeriod: 14 * 24 * 60 * 60,
          SqsManagedSseEnabled: true,
        });
      }
    }
  });

  it("names no Region but those of its configuration", () => {
    const elsewhere = synthesise({
      ...example,
      operations: { account: OPERATIONS, region: "ap-southeast-2" },
      tooling: [{ account: TOOLING, regions: ["sa-east-1", "ca-central-1"] }],
      incidents: {
        ...example.incidents,
        accounts: [{ account: APPLICATION, regions: ["il-central-1"] }],
      },
    });
    const configured = ["ap-southeast-2", "sa-east-1", "ca-central-1", "il-central-1"];
    for (const stack of elsewhere.values()) {
      const named = JSON.stringify(stack.toJSON()).match(/\b[a-z]{2}(-[a-z]+)+-\d\b/g) ?? [];
      expect(configured).toEqual(expect.arrayContaining([...new Set(named)]));
    }
  });

  it("may have several teams, each with repositories of its own", () => {
    const teamByRepository = {
      "acme/web": "Storefront",
      "acme/pay-*": "Payments",
      "*": "Platform",
    };
    const teams = synthesise({ ...example, teamByRepository });
    for (const name of Object.values(STACKS)) {
      teams.get(name)?.hasResourceProperties("AWS::Lambda::Function", {
        Environment: { Variables: { TEAM_BY_REPOSITORY: JSON.stringify(teamByRepository) } },
      });
    }
  });

  it("has no finding of AWS Solutions' checks", () => {
    const app = newApp();
    organisation(app, example, lambdaDirectory());
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    const { directory } = app.synth();
    const report = JSON.parse(readFileSync(join(directory, "validation-report.json"), "utf8"));
    expect(report.pluginReports).toEqual([]);
  });

  it("asks for a build where a function's zip is missing", () => {
    expect(() => organisation(newApp(), example, "/nowhere")).toThrow(
      "/nowhere/deployment-frequency/bootstrap.zip does not exist: run make build first",
    );
  });
});
