// Every alarm: what it watches, who hears of it, and that the runbook knows it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Match, type Template } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import type { Configuration } from "../lib/configuration.ts";
import { METRIC_FUNCTIONS } from "../lib/names.ts";
import { APPLICATION, example, OPERATIONS, STACKS, synthesise, template, TOOLING } from "./example.ts";

const stacks = synthesise(example);
const runbook = readFileSync(join(import.meta.dirname, "../../docs/operations.md"), "utf8");

const alarms = (stack: Template) =>
  Object.values(stack.findResources("AWS::CloudWatch::Alarm")).map(({ Properties }) => Properties);
const topics = (stacks: ReadonlyMap<string, Template>) =>
  new Map(
    [...stacks].filter(([, stack]) => Object.keys(stack.findResources("AWS::SNS::Topic")).length),
  );

/** That a stack has one topic, which is encrypted and tells the address. */
function isHeard(stacks: ReadonlyMap<string, Template>, name: string): void {
  const stack = template(stacks, name);
  stack.resourceCountIs("AWS::SNS::Topic", 1);
  stack.hasResourceProperties("AWS::SNS::Topic", { KmsMasterKeyId: Match.anyValue() });
  stack.hasResourceProperties("AWS::SNS::Subscription", {
    Protocol: "email",
    Endpoint: "dora@example.com",
    TopicArn: { Ref: Object.keys(stack.findResources("AWS::SNS::Topic"))[0] },
  });
}

const watched = (stack: Template): string[] =>
  alarms(stack)
    .map(({ AlarmName, Namespace, MetricName }) => `${AlarmName}: ${Namespace} ${MetricName}`)
    .sort();

describe.each(METRIC_FUNCTIONS)("the alarms of %s", (name) => {
  const stack = template(stacks, STACKS[name]);

  it("watch both its queues, its errors, its throttles, losses and silence", () => {
    expect(watched(stack)).toEqual([
      `dora-${name}-errors: AWS/Lambda Errors`,
      `dora-${name}-failed-events: AWS/SQS ApproximateNumberOfMessagesVisible`,
      `dora-${name}-no-events: AWS/Lambda Invocations`,
      `dora-${name}-throttles: AWS/Lambda Throttles`,
      `dora-${name}-undelivered-events: AWS/SQS ApproximateNumberOfMessagesVisible`,
      `dora-${name}-unkept-events: AWS/Lambda DestinationDeliveryFailures`,
    ]);
  });

  it("sound at the first occurrence, and for silence after the days configured", () => {
    for (const { AlarmName, ...alarm } of alarms(stack)) {
      expect(alarm).toMatchObject(
        AlarmName.endsWith("-no-events")
          ? {
              Threshold: 1,
              ComparisonOperator: "LessThanThreshold",
              Period: 24 * 60 * 60,
              EvaluationPeriods: 7,
              Statistic: "Sum",
              TreatMissingData: "breaching",
            }
          : {
              Threshold: 1,
              ComparisonOperator: "GreaterThanOrEqualToThreshold",
              EvaluationPeriods: 1,
              TreatMissingData: "notBreaching",
            },
      );
    }
  });

  it("tell the operations account's topic", () => {
    for (const { AlarmActions } of alarms(stack)) {
      expect(AlarmActions).toEqual([{ "Fn::ImportValue": expect.stringContaining("AlarmTopic") }]);
    }
  });

  it("leave silence alone where the configuration says so", () => {
    const stack = template(synthesise({ ...example, noEventAlarmDays: 0 }), STACKS[name]);
    expect(alarms(stack).map(({ MetricName }) => MetricName)).not.toContain("Invocations");
  });
});

describe("the alarms", () => {
  it("watch whether the ledger is throttled", () => {
    const stack = template(stacks, "DoraOpsFoundationStack");
    expect(watched(stack)).toEqual([
      "dora-ledger-read-throttles: AWS/DynamoDB ReadThrottleEvents",
      "dora-ledger-write-throttles: AWS/DynamoDB WriteThrottleEvents",
    ]);
    for (const { AlarmActions, Dimensions } of alarms(stack)) {
      expect(AlarmActions).toEqual([{ Ref: expect.stringMatching("^AlarmTopic") }]);
      expect(Dimensions).toEqual([
        { Name: "TableName", Value: { Ref: expect.stringMatching("^Ledger") } },
      ]);
    }
  });

  it.each([
    ["DoraToolingEventBridgeStack", "codepipeline"],
    ["DoraApplicationOpsCenterStack-222233334444-eu-west-1", "ssm"],
    ["DoraOpsIncidentsStack", "ssm"],
  ])("of %s watch what did not reach the operations account", (name, source) => {
    const stack = template(stacks, name);
    expect(watched(stack)).toEqual([
      `dora-undelivered-${source}-events: AWS/SQS ApproximateNumberOfMessagesVisible`,
    ]);
    for (const { AlarmActions } of alarms(stack)) expect(AlarmActions).toHaveLength(1);
  });

  it.each([
    "DoraToolingEventBridgeStack",
    "DoraApplicationOpsCenterStack-222233334444-eu-west-1",
  ])("of %s tell the topic of the operations account, in whose Region it is", (name) => {
    for (const { AlarmActions } of alarms(template(stacks, name))) {
      expect(AlarmActions).toEqual(["arn:aws:sns:eu-west-1:444455556666:dora-alarms"]);
    }
  });

  it("reach those who are to hear of them by e-mail", () => {
    const withTopic = topics(stacks);
    expect([...withTopic.keys()]).toEqual(["DoraOpsFoundationStack"]);
    isHeard(withTopic, "DoraOpsFoundationStack");
  });

  it("need no address for the operations account's topic", () => {
    const silent = synthesise({ ...example, alarmEmails: [] });
    expect([...topics(silent).keys()]).toEqual(["DoraOpsFoundationStack"]);
    template(silent, "DoraOpsFoundationStack").resourceCountIs("AWS::SNS::Subscription", 0);
    for (const stack of silent.values()) {
      for (const { AlarmActions } of alarms(stack)) expect(AlarmActions).toHaveLength(1);
    }
  });

  it("have their line in the runbook", () => {
    const names = [...stacks.values()].flatMap(alarms).map(({ AlarmName }) => AlarmName as string);
    const inGeneral = names.map((name) => {
      const own = METRIC_FUNCTIONS.find((each) => name.startsWith(`dora-${each}-`));
      return own ? name.replace(own, "FUNCTION") : name;
    });
    for (const name of new Set(inGeneral)) expect(runbook).toContain(`\`${name}\``);
  });
});

describe("the alarms in other Regions than the functions", () => {
  const accounts = [OPERATIONS, TOOLING, APPLICATION].map((account) => ({
    account,
    regions: ["eu-west-1", "us-east-1"],
  }));
  const everywhere: Configuration = {
    ...example,
    tooling: accounts,
    incidents: { ...example.incidents, accounts },
  };
  const stacks = synthesise(everywhere);

  it("tell one topic in each account and Region, whichever stacks are there", () => {
    const makers = [OPERATIONS, TOOLING, APPLICATION].map(
      (account) => `DoraToolingEventBridgeStack-${account}-us-east-1`,
    );
    const withTopic = topics(stacks);
    expect([...withTopic.keys()]).toEqual(["DoraOpsFoundationStack", ...makers]);
    for (const maker of makers) {
      isHeard(withTopic, maker);
      expect(alarms(template(stacks, maker))[0]?.AlarmActions).toEqual([
        { Ref: expect.stringMatching("^AlarmTopic") },
      ]);
    }
    const beside = `DoraApplicationOpsCenterStack-${TOOLING}-us-east-1`;
    for (const { AlarmActions } of alarms(template(stacks, beside))) {
      expect(AlarmActions).toEqual([
        {
          "Fn::ImportValue": expect.stringMatching(
            `^DoraToolingEventBridgeStack-${TOOLING}-us-east-1:.*AlarmTopic`,
          ),
        },
      ]);
    }
  });

  it("tell nobody where the configuration names nobody", () => {
    const silent = synthesise({ ...everywhere, alarmEmails: [] });
    expect([...topics(silent).keys()]).toEqual(["DoraOpsFoundationStack"]);
    for (const [name, stack] of silent) {
      for (const { AlarmActions = [] } of alarms(stack)) {
        expect(AlarmActions).toHaveLength(name.endsWith("us-east-1") ? 0 : 1);
      }
    }
  });
});
