// Every permission that the stacks give, in one table: whoever adds one or takes one
// away has to change it here too, and a reviewer reads it at one look.

import { describe, expect, it } from "vitest";
import { example, synthesise, template } from "./example.ts";
import { resourcePolicies, roles, type Role } from "./policies.ts";

const stacks = synthesise(example);

const OF_EACH_FUNCTION = [
  "logs:CreateLogStream logs:PutLogEvents on <MeasureLogs>",
  "dynamodb:UpdateItem on <Ledger>",
  "sqs:SendMessage on <MeasureFailedEvents>",
  "cloudwatch:PutMetricData on * if cloudwatch:namespace StringEquals DORA",
];
const TOOLING_ROLE = "arn:aws:iam::111122223333:role/ToolingCrossAccountLambdaRole";
const OPSCENTER_ROLE = "arn:aws:iam::222233334444:role/DoraOpsCenterReadRole";
const READ_TOKEN = "secretsmanager:GetSecretValue on <Token>";
const OF_INCIDENTS = [
  "dynamodb:ConditionCheckItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query on <Ledger>",
  "ssm:GetOpsItem ssm:ListTagsForResource on arn:aws:ssm:eu-west-1:444455556666:opsitem/*",
];

const functionRole = (...may: string[]): Role => ({
  trusts: ["lambda.amazonaws.com: sts:AssumeRole"],
  may: [...OF_EACH_FUNCTION, ...may],
});
const forwardingRole = (account: string, ...functions: string[]): Role => ({
  trusts: [`events.amazonaws.com: sts:AssumeRole if aws:SourceAccount StringEquals ${account}`],
  may: [
    `events:PutEvents on ${functions
      .map((name) => `arn:aws:events:eu-west-1:444455556666:event-bus/dora-${name}`)
      .join(" ")}`,
  ],
});
const readRole = (may: string, ...functions: string[]): Role => ({
  trusts: [
    `arn:aws:iam::444455556666:root: sts:AssumeRole if aws:PrincipalArn ArnEquals ${functions
      .map((name) => `arn:aws:iam::444455556666:role/dora-${name}`)
      .join(" ")} and sts:ExternalId StringEquals example/dora`,
  ],
  may: [may],
});

const ROLES: Readonly<Record<string, Readonly<Record<string, Role>>>> = {
  DoraOpsFoundationStack: {},
  DoraOpsGitHubLogsStack: {},
  DoraOpsDeploymentFrequencyStack: {
    "dora-deployment-frequency": functionRole(`sts:AssumeRole on ${TOOLING_ROLE}`),
  },
  DoraOpsLeadTimeForChangeStack: {
    "dora-lead-time": functionRole(`sts:AssumeRole on ${TOOLING_ROLE}`, READ_TOKEN),
  },
  DoraOpsChangeFailureRateStack: {
    "dora-change-failure-rate": functionRole(
      `sts:AssumeRole on ${TOOLING_ROLE} ${OPSCENTER_ROLE}`,
      ...OF_INCIDENTS,
    ),
  },
  DoraOpsMeanTimeToRestoreStack: {
    "dora-mttr": functionRole(
      `sts:AssumeRole on ${TOOLING_ROLE} ${OPSCENTER_ROLE}`,
      READ_TOKEN,
      ...OF_INCIDENTS,
    ),
  },
  DoraToolingEventBridgeStack: {
    ForwardingRole: forwardingRole(
      "111122223333",
      "change-failure-rate",
      "deployment-frequency",
      "lead-time",
      "mttr",
    ),
    ToolingCrossAccountLambdaRole: readRole(
      "codepipeline:GetPipeline codepipeline:GetPipelineExecution codepipeline:ListActionExecutions codepipeline:ListPipelineExecutions on arn:aws:codepipeline:eu-west-1:111122223333:*",
      "deployment-frequency",
      "lead-time",
      "change-failure-rate",
      "mttr",
    ),
  },
  DoraOpsIncidentsStack: {
    ForwardingRole: forwardingRole("444455556666", "change-failure-rate", "mttr"),
  },
  "DoraApplicationOpsCenterStack-222233334444-eu-west-1": {
    ForwardingRole: forwardingRole("222233334444", "change-failure-rate", "mttr"),
    DoraOpsCenterReadRole: readRole(
      "ssm:GetOpsItem ssm:ListTagsForResource on arn:aws:ssm:eu-west-1:222233334444:opsitem/*",
      "change-failure-rate",
      "mttr",
    ),
  },
};

const noPlainHttp = (actions: string, resource: string): string =>
  `not *: ${actions} on ${resource} if aws:SecureTransport Bool false`;
const queue = (resource: string, ...rules: string[]): string[] => [
  noPlainHttp("sqs:*", resource),
  ...rules.map(
    (rule) =>
      `events.amazonaws.com: sqs:SendMessage on ${resource} if aws:SourceArn ArnEquals <${rule}>`,
  ),
];
const alarmTopic = (topic: string, own: string, ...others: string[]): Record<string, string[]> => {
  const accounts = [own, ...others];
  const arns = accounts.map((account) => `arn:aws:cloudwatch:eu-west-1:${account}:alarm:dora-*`);
  const alarms = `if aws:SourceAccount StringEquals ${accounts.join(" ")} and aws:SourceArn ArnLike ${arns.join(" ")}`;
  return {
    "AWS::KMS::Key": [
      `arn:aws:iam::${own}:root: kms:* on *`,
      `cloudwatch.amazonaws.com: kms:Decrypt kms:GenerateDataKey* on * ${alarms}`,
    ],
    "AWS::SNS::TopicPolicy": [
      noPlainHttp("sns:Publish", topic),
      `cloudwatch.amazonaws.com: sns:Publish on ${topic} ${alarms}`,
    ],
  };
};
const forwarding = (...rules: string[]): string[] =>
  queue("<ForwardingUndeliveredEvents>", ...rules.map((rule) => `Forwarding${rule}`));

const bus = (name: string, senders: string, source: string, detailTypes: string): string =>
  `${senders}: events:PutEvents on arn:aws:events:eu-west-1:444455556666:event-bus/dora-${name} ` +
  `if events:eventBusInvocation Bool true and events:detail-type StringEquals ${detailTypes} ` +
  `and events:source ForAllValues:StringEquals ${source} and events:source Null false`;
const functionPolicies = (name: string, incidents: boolean): Record<string, string[]> => {
  const rules = [
    "EventsPipelineSucceeded",
    "EventsProductionStageSucceeded",
    ...(incidents ? ["EventsOpsItemCreated"] : []),
  ];
  return {
    "AWS::Events::EventBus": [
      bus(
        name,
        "arn:aws:iam::111122223333:root",
        "aws.codepipeline",
        "CodePipeline Pipeline Execution State Change CodePipeline Stage Execution State Change",
      ),
      ...(incidents
        ? [
            bus(
              name,
              "arn:aws:iam::222233334444:root arn:aws:iam::444455556666:root",
              "aws.ssm",
              "OpsItem Create",
            ),
          ]
        : []),
    ],
    "AWS::Lambda::Permission": rules.map(
      (rule) => `events.amazonaws.com: lambda:InvokeFunction if <${rule}>`,
    ),
    "AWS::SQS::QueuePolicy": [
      ...queue("<MeasureFailedEvents>"),
      ...queue("<EventsUndeliveredEvents>", ...rules),
    ],
  };
};

const RESOURCE_POLICIES: Readonly<Record<string, Record<string, string[]>>> = {
  DoraOpsFoundationStack: {
    "AWS::DynamoDB::Table": [noPlainHttp("dynamodb:*", "*")],
    ...alarmTopic("<AlarmTopic>", "444455556666", "111122223333", "222233334444"),
  },
  DoraOpsGitHubLogsStack: {},
  DoraOpsDeploymentFrequencyStack: functionPolicies("deployment-frequency", false),
  DoraOpsLeadTimeForChangeStack: functionPolicies("lead-time", false),
  DoraOpsChangeFailureRateStack: functionPolicies("change-failure-rate", true),
  DoraOpsMeanTimeToRestoreStack: functionPolicies("mttr", true),
  DoraToolingEventBridgeStack: {
    "AWS::SQS::QueuePolicy": forwarding("PipelineSucceeded", "ProductionStageSucceeded"),
  },
  DoraOpsIncidentsStack: {
    "AWS::SQS::QueuePolicy": forwarding("OpsItemCreated"),
  },
  "DoraApplicationOpsCenterStack-222233334444-eu-west-1": {
    "AWS::SQS::QueuePolicy": forwarding("OpsItemCreated"),
  },
};

describe("the permissions", () => {
  it.each(Object.keys(ROLES))("of the roles in %s are these and no others", (name) => {
    expect(roles(template(stacks, name))).toEqual(ROLES[name]);
  });

  it.each(Object.keys(RESOURCE_POLICIES))("that resources of %s give are these", (name) => {
    expect(resourcePolicies(template(stacks, name))).toEqual(RESOURCE_POLICIES[name]);
  });

  // The dashboard shows metrics, and may do nothing.
  it("are in no other stack", () => {
    for (const [name, stack] of stacks) {
      if (name in ROLES) continue;
      expect(roles(stack)).toEqual({});
      expect(resourcePolicies(stack)).toEqual({});
    }
  });
});

describe("the permissions in an organisation of AWS Organizations", () => {
  const organised = synthesise({ ...example, organizationId: "o-a1b2c3d4e5" });
  const within = "aws:PrincipalOrgID StringEquals o-a1b2c3d4e5";

  it("are for its accounts alone, however an account is listed", () => {
    for (const name of ["DoraOpsLeadTimeForChangeStack", "DoraOpsMeanTimeToRestoreStack"]) {
      const { "AWS::Events::EventBus": admissions } = resourcePolicies(template(organised, name));
      for (const admission of admissions ?? []) expect(admission).toContain(within);
    }
    const crossAccount = [
      ["DoraToolingEventBridgeStack", "ToolingCrossAccountLambdaRole"],
      ["DoraApplicationOpsCenterStack-222233334444-eu-west-1", "DoraOpsCenterReadRole"],
    ] as const;
    for (const [stack, role] of crossAccount) {
      expect(roles(template(organised, stack))[role]?.trusts).toEqual([
        expect.stringContaining(within),
      ]);
    }
  });
});
