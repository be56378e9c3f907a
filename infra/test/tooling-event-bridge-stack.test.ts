import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { example, synthesise, template } from "./example.ts";

const BUSES = [
  "arn:aws:events:eu-west-1:444455556666:event-bus/dora-deployment-frequency",
  "arn:aws:events:eu-west-1:444455556666:event-bus/dora-lead-time",
  "arn:aws:events:eu-west-1:444455556666:event-bus/dora-change-failure-rate",
  "arn:aws:events:eu-west-1:444455556666:event-bus/dora-mttr",
];
const ROLE = { RoleName: "ToolingCrossAccountLambdaRole" };

const rules = (stack: ReturnType<typeof template>) =>
  Object.values(stack.findResources("AWS::Events::Rule")).map(({ Properties }) => Properties);

describe("a tooling account", () => {
  const stack = template(synthesise(example), "DoraToolingEventBridgeStack");

  it("forwards successful pipelines and production stages from its default bus, and no more", () => {
    expect(
      rules(stack).map(({ EventBusName, EventPattern }) => [EventBusName, EventPattern]),
    ).toEqual([
      [
        undefined,
        {
          source: ["aws.codepipeline"],
          "detail-type": ["CodePipeline Pipeline Execution State Change"],
          detail: { state: ["SUCCEEDED"] },
        },
      ],
      [
        undefined,
        {
          source: ["aws.codepipeline"],
          "detail-type": ["CodePipeline Stage Execution State Change"],
          detail: { stage: ["DeployPROD"], state: ["SUCCEEDED"] },
        },
      ],
    ]);
  });

  it("forwards no stage where nobody develops trunk-based", () => {
    const gitFlow = template(
      synthesise({ ...example, appRepositoryNames: [] }),
      "DoraToolingEventBridgeStack",
    );
    expect(rules(gitFlow).map(({ EventPattern }) => EventPattern["detail-type"])).toEqual([
      ["CodePipeline Pipeline Execution State Change"],
    ]);
  });

  it("forwards to the operations account's buses through a role that can do nothing else", () => {
    for (const { Targets } of rules(stack)) {
      expect(Targets).toEqual(
        BUSES.map((Arn) => expect.objectContaining({ Arn, RoleArn: expect.anything() })),
      );
    }
    stack.resourceCountIs("AWS::IAM::Policy", 1);
    stack.hasResourceProperties("AWS::IAM::Policy", {
      PolicyDocument: {
        Statement: [{ Effect: "Allow", Action: "events:PutEvents", Resource: [...BUSES].sort() }],
      },
    });
    stack.hasResourceProperties("AWS::IAM::Role", {
      AssumeRolePolicyDocument: {
        Statement: [
          {
            Effect: "Allow",
            Action: "sts:AssumeRole",
            Principal: { Service: "events.amazonaws.com" },
            Condition: { StringEquals: { "aws:SourceAccount": "111122223333" } },
          },
        ],
      },
    });
  });

  it("raises an alarm for an event that did not reach the operations account", () => {
    stack.hasResourceProperties("AWS::CloudWatch::Alarm", {
      MetricName: "ApproximateNumberOfMessagesVisible",
      Threshold: 1,
      TreatMissingData: "notBreaching",
    });
  });

  it("lets the functions of the operations account read its pipelines, and nobody else", () => {
    stack.hasResourceProperties("AWS::IAM::Role", {
      ...ROLE,
      AssumeRolePolicyDocument: {
        Statement: [
          {
            Effect: "Allow",
            Action: "sts:AssumeRole",
            Principal: { AWS: "arn:aws:iam::444455556666:root" },
            Condition: {
              ArnEquals: {
                "aws:PrincipalArn": [
                  "arn:aws:iam::444455556666:role/dora-deployment-frequency",
                  "arn:aws:iam::444455556666:role/dora-lead-time",
                  "arn:aws:iam::444455556666:role/dora-change-failure-rate",
                  "arn:aws:iam::444455556666:role/dora-mttr",
                ],
              },
            },
          },
        ],
      },
      Policies: [
        {
          PolicyName: Match.anyValue(),
          PolicyDocument: Match.objectLike({
            Statement: [
              {
                Effect: "Allow",
                Action: [
                  "codepipeline:GetPipeline",
                  "codepipeline:GetPipelineExecution",
                  "codepipeline:ListActionExecutions",
                  "codepipeline:ListPipelineExecutions",
                ],
                Resource: "arn:aws:codepipeline:eu-west-1:111122223333:*",
              },
            ],
          }),
        },
      ],
    });
  });
});

describe("several tooling accounts and Regions", () => {
  const stacks = synthesise({
    ...example,
    tooling: [
      { account: "111122223333", regions: ["eu-west-1", "us-east-1"] },
      { account: "777788889999", regions: ["us-east-1"] },
    ],
  });

  it("have a stack for each account and Region", () => {
    expect([...stacks.keys()].filter((name) => name.startsWith("DoraTooling"))).toEqual([
      "DoraToolingEventBridgeStack-111122223333-eu-west-1",
      "DoraToolingEventBridgeStack-111122223333-us-east-1",
      "DoraToolingEventBridgeStack-777788889999-us-east-1",
    ]);
  });

  it("have the role that is global to an account once in each account, for all its Regions", () => {
    const pipelines = [...stacks].flatMap(([name, stack]) =>
      Object.values(stack.findResources("AWS::IAM::Role", { Properties: ROLE })).map(
        ({ Properties }) => [name, Properties.Policies[0].PolicyDocument.Statement[0].Resource],
      ),
    );
    expect(pipelines).toEqual([
      [
        "DoraToolingEventBridgeStack-111122223333-eu-west-1",
        [
          "arn:aws:codepipeline:eu-west-1:111122223333:*",
          "arn:aws:codepipeline:us-east-1:111122223333:*",
        ],
      ],
      [
        "DoraToolingEventBridgeStack-777788889999-us-east-1",
        "arn:aws:codepipeline:us-east-1:777788889999:*",
      ],
    ]);
  });

  it("all forward to the same buses, in their Region", () => {
    for (const [name, stack] of stacks) {
      if (!name.startsWith("DoraTooling")) continue;
      for (const { Targets } of rules(stack)) {
        expect(Targets.map(({ Arn }: { Arn: string }) => Arn)).toEqual(BUSES);
      }
    }
  });
});
