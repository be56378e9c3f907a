import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { METRIC_FUNCTIONS } from "../lib/names.ts";
import { example, STACKS, synthesise, template } from "./example.ts";

const stacks = synthesise(example);
const gitFlow = synthesise({ ...example, appRepositoryNames: [] });

describe.each(METRIC_FUNCTIONS)("the bus of %s", (name) => {
  const stack = template(stacks, STACKS[name]);

  it("is open to what rules of the tooling accounts forward from CodePipeline", () => {
    stack.hasResourceProperties("AWS::Events::EventBus", {
      Name: `dora-${name}`,
      Policy: {
        Statement: [
          {
            Sid: "AllowRulesOfToolingAccounts",
            Effect: "Allow",
            Principal: { AWS: "arn:aws:iam::111122223333:root" },
            Action: "events:PutEvents",
            Resource: `arn:aws:events:eu-west-1:444455556666:event-bus/dora-${name}`,
            Condition: {
              Bool: { "events:eventBusInvocation": "true" },
              StringEquals: {
                "events:detail-type": [
                  "CodePipeline Pipeline Execution State Change",
                  "CodePipeline Stage Execution State Change",
                ],
              },
              "ForAllValues:StringEquals": { "events:source": "aws.codepipeline" },
              Null: { "events:source": "false" },
            },
          },
        ],
      },
    });
  });

  it("hands on only what the tooling accounts sent", () => {
    const rules = Object.values(stack.findResources("AWS::Events::Rule")).map(
      ({ Properties }) => Properties,
    );
    expect(rules.map(({ EventPattern }) => EventPattern)).toEqual([
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
    ]);
    const [bus] = Object.keys(stack.findResources("AWS::Events::EventBus"));
    const [lambda] = Object.keys(stack.findResources("AWS::Lambda::Function"));
    for (const { EventBusName, Targets } of rules) {
      expect(EventBusName).toEqual({ Ref: bus });
      expect(Targets).toEqual([
        expect.objectContaining({ Arn: { "Fn::GetAtt": [lambda, "Arn"] } }),
      ]);
    }
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
    stack.resourceCountIs("AWS::Events::Rule", 1);
    stack.hasResourceProperties("AWS::Events::EventBus", {
      Policy: {
        Statement: [
          Match.objectLike({
            Condition: Match.objectLike({
              StringEquals: {
                "events:detail-type": ["CodePipeline Pipeline Execution State Change"],
              },
            }),
          }),
        ],
      },
    });
  });
});
