// Every alarm: what it watches, who hears of it, and that the runbook knows it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Match, type Template } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { METRIC_FUNCTIONS } from "../lib/names.ts";
import { example, STACKS, synthesise, template } from "./example.ts";

const stacks = synthesise(example);
const runbook = readFileSync(join(import.meta.dirname, "../../docs/operations.md"), "utf8");

const alarms = (stack: Template) =>
  Object.values(stack.findResources("AWS::CloudWatch::Alarm")).map(({ Properties }) => Properties);
const watched = (stack: Template): string[] =>
  alarms(stack)
    .map(({ AlarmName, Namespace, MetricName }) => `${AlarmName}: ${Namespace} ${MetricName}`)
    .sort();

describe.each(METRIC_FUNCTIONS)("the alarms of %s", (name) => {
  const stack = template(stacks, STACKS[name]);

  it("watch both its queues, its errors, its throttles, losses and silence", () => {
    expect(watched(stack)).toEqual([
      `dora-${name}-dropped-events: AWS/Lambda AsyncEventsDropped`,
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

  it("reach those who are to hear of them by e-mail, from every account and Region", () => {
    for (const [name, stack] of stacks) {
      const topics = Object.keys(stack.findResources("AWS::SNS::Topic"));
      if (topics.length === 0) continue;
      expect(topics, name).toHaveLength(1);
      stack.hasResourceProperties("AWS::SNS::Topic", { KmsMasterKeyId: Match.anyValue() });
      stack.hasResourceProperties("AWS::SNS::Subscription", {
        Protocol: "email",
        Endpoint: "dora@example.com",
        TopicArn: { Ref: topics[0] },
      });
    }
  });

  it("need no topic in other accounts where nobody is to hear of them", () => {
    const silent = synthesise({ ...example, alarmEmails: [] });
    const withTopic = [...silent].filter(
      ([, stack]) => Object.keys(stack.findResources("AWS::SNS::Topic")).length > 0,
    );
    expect(withTopic.map(([name]) => name)).toEqual(["DoraOpsFoundationStack"]);
    const foundation = template(silent, "DoraOpsFoundationStack");
    foundation.resourceCountIs("AWS::SNS::Subscription", 0);
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
