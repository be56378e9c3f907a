import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { METRIC_FUNCTIONS, type MetricFunctionName } from "../lib/names.ts";
import { example, STACKS, synthesise, template } from "./example.ts";

const stacks = synthesise(example);
const gitFlow = synthesise({ ...example, appRepositoryNames: [] });

interface Feed {
  readonly admission: {
    readonly sid: string;
    readonly senders: string | string[];
    readonly source: string;
    readonly detailTypes: string[];
  };
  readonly patterns: readonly unknown[];
}

/** What the policy of a bus says of the accounts that may feed it. */
const admission = (
  name: MetricFunctionName,
  { sid, senders, source, detailTypes }: Feed["admission"],
) => ({
  Sid: sid,
  Effect: "Allow",
  Principal: { AWS: senders },
  Action: "events:PutEvents",
  Resource: `arn:aws:events:eu-west-1:444455556666:event-bus/dora-${name}`,
  Condition: {
    Bool: { "events:eventBusInvocation": "true" },
    StringEquals: { "events:detail-type": detailTypes },
    "ForAllValues:StringEquals": { "events:source": source },
    Null: { "events:source": "false" },
  },
});

const deployments: Feed = {
  admission: {
    sid: "AllowRulesOfToolingAccounts",
    senders: "arn:aws:iam::111122223333:root",
    source: "aws.codepipeline",
    detailTypes: [
      "CodePipeline Pipeline Execution State Change",
      "CodePipeline Stage Execution State Change",
    ],
  },
  patterns: [
    {
      account: ["111122223333"],
      source: ["aws.codepipeline"],
      "detail-type": ["CodePipeline Pipeline Execution State Change"],
      detail: { state: ["SUCCEEDED"] },
    },
    {
      account: ["111122223333"],
      source: ["aws.codepipeline"],
      "detail-type": ["CodePipeline Stage Execution State Change"],
      detail: { stage: ["DeployPROD"], state: ["SUCCEEDED"] },
    },
  ],
};
const incidents: Feed = {
  admission: {
    sid: "AllowRulesOfIncidentAccounts",
    senders: ["arn:aws:iam::222233334444:root", "arn:aws:iam::444455556666:root"],
    source: "aws.ssm",
    detailTypes: ["OpsItem Create"],
  },
  patterns: [
    {
      account: ["444455556666", "222233334444"],
      source: ["aws.ssm"],
      "detail-type": ["OpsItem Create"],
      detail: { "ops-item-type": ["/aws/issue"], status: ["Open"] },
    },
  ],
};
const FEEDS: Readonly<Record<MetricFunctionName, Feed[]>> = {
  "deployment-frequency": [deployments],
  "lead-time": [deployments],
  "change-failure-rate": [deployments, incidents],
  mttr: [deployments, incidents],
};

describe.each(METRIC_FUNCTIONS)("the bus of %s", (name) => {
  const stack = template(stacks, STACKS[name]);
  const feeds = FEEDS[name];

  it("is open to what rules of the configured accounts forward from a service, and no more", () => {
    stack.hasResourceProperties("AWS::Events::EventBus", {
      Name: `dora-${name}`,
      Policy: { Statement: feeds.map((feed) => admission(name, feed.admission)) },
    });
  });

  it("hands on only what the configured accounts sent", () => {
    const rules = Object.values(stack.findResources("AWS::Events::Rule")).map(
      ({ Properties }) => Properties,
    );
    expect(rules.map(({ EventPattern }) => EventPattern)).toEqual(
      feeds.flatMap(({ patterns }) => patterns),
    );
    const [bus] = Object.keys(stack.findResources("AWS::Events::EventBus"));
    const [lambda] = Object.keys(stack.findResources("AWS::Lambda::Function"));
    for (const { EventBusName, Targets } of rules) {
      expect(EventBusName).toEqual({ Ref: bus });
      expect(Targets).toEqual([
        expect.objectContaining({ Arn: { "Fn::GetAtt": [lambda, "Arn"] } }),
      ]);
    }
  });

  it("keeps what it took, to be replayed, as long as configured", () => {
    const [bus] = Object.keys(stack.findResources("AWS::Events::EventBus"));
    stack.hasResourceProperties("AWS::Events::Archive", {
      ArchiveName: `dora-${name}`,
      SourceArn: { "Fn::GetAtt": [bus, "Arn"] },
      EventPattern: Match.absent(),
      RetentionDays: 30,
    });
  });

  it("lets each of its rules, and nothing else, invoke the function", () => {
    const permissions = Object.values(stack.findResources("AWS::Lambda::Permission"));
    const rules = Object.keys(stack.findResources("AWS::Events::Rule"));
    expect(
      permissions.map(({ Properties }) => [Properties.Principal, Properties.SourceArn]),
    ).toEqual(rules.map((rule) => ["events.amazonaws.com", { "Fn::GetAtt": [rule, "Arn"] }]));
  });

  it("takes no stage event where nobody develops trunk-based", () => {
    const stack = template(gitFlow, STACKS[name]);
    stack.resourceCountIs(
      "AWS::Events::Rule",
      feeds.flatMap(({ patterns }) => patterns).length - 1,
    );
    stack.hasResourceProperties("AWS::Events::EventBus", {
      Policy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Sid: "AllowRulesOfToolingAccounts",
            Condition: Match.objectLike({
              StringEquals: {
                "events:detail-type": ["CodePipeline Pipeline Execution State Change"],
              },
            }),
          }),
        ]),
      },
    });
  });
});
