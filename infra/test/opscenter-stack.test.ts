import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { APPLICATION, example, OPERATIONS, synthesise, template, TOOLING } from "./example.ts";

const BUSES = [
  "arn:aws:events:eu-west-1:444455556666:event-bus/dora-change-failure-rate",
  "arn:aws:events:eu-west-1:444455556666:event-bus/dora-mttr",
];
const ROLE = { RoleName: "DoraOpsCenterReadRole" };

const rules = (stack: ReturnType<typeof template>) =>
  Object.values(stack.findResources("AWS::Events::Rule")).map(({ Properties }) => Properties);

const stacks = synthesise(example);
const places = [
  { account: OPERATIONS, name: "DoraOpsIncidentsStack" },
  { account: APPLICATION, name: "DoraApplicationOpsCenterStack-222233334444-eu-west-1" },
];

describe.each(places)("account $account, in which incidents are recorded,", (place) => {
  const { account, name } = place;
  const stack = template(stacks, name);

  it("forwards new issues from its default bus, and no more", () => {
    expect(
      rules(stack).map(({ EventBusName, EventPattern }) => [EventBusName, EventPattern]),
    ).toEqual([
      [
        undefined,
        {
          source: ["aws.ssm"],
          "detail-type": ["OpsItem Create"],
          detail: { "ops-item-type": ["/aws/issue"], status: ["Open"] },
        },
      ],
    ]);
  });

  it("forwards to the buses of the functions that measure incidents, and can do nothing else", () => {
    for (const { Targets } of rules(stack)) {
      expect(Targets).toEqual(
        BUSES.map((Arn) => expect.objectContaining({ Arn, RoleArn: expect.anything() })),
      );
    }
    stack.resourceCountIs("AWS::IAM::Policy", 1);
    stack.hasResourceProperties("AWS::IAM::Policy", {
      PolicyDocument: {
        Statement: [{ Effect: "Allow", Action: "events:PutEvents", Resource: BUSES }],
      },
    });
    stack.hasResourceProperties("AWS::IAM::Role", {
      AssumeRolePolicyDocument: {
        Statement: [
          {
            Effect: "Allow",
            Action: "sts:AssumeRole",
            Principal: { Service: "events.amazonaws.com" },
            Condition: { StringEquals: { "aws:SourceAccount": account } },
          },
        ],
      },
    });
  });

  it("raises an alarm for an event that did not arrive", () => {
    stack.hasResourceProperties("AWS::CloudWatch::Alarm", {
      MetricName: "ApproximateNumberOfMessagesVisible",
      Threshold: 1,
      TreatMissingData: "notBreaching",
    });
  });
});

describe("the operations account, in which incidents are recorded,", () => {
  const stack = template(stacks, "DoraOpsIncidentsStack");

  it("tells the topic of its alarm", () => {
    stack.hasResourceProperties("AWS::CloudWatch::Alarm", {
      AlarmActions: [{ "Fn::ImportValue": Match.stringLikeRegexp("AlarmTopic") }],
    });
  });

  it("needs no role but that which forwards: the functions read as themselves", () => {
    stack.resourceCountIs("AWS::IAM::Role", 1);
  });
});

describe("another account, in which incidents are recorded,", () => {
  const stack = template(stacks, "DoraApplicationOpsCenterStack-222233334444-eu-west-1");

  it("lets the functions that measure incidents read its OpsItems, and nobody else", () => {
    stack.resourceCountIs("AWS::IAM::Role", 2);
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
                Action: ["ssm:GetOpsItem", "ssm:ListTagsForResource"],
                Resource: "arn:aws:ssm:eu-west-1:222233334444:opsitem/*",
              },
            ],
          }),
        },
      ],
    });
  });
});

describe("several accounts and Regions in which incidents are recorded", () => {
  const stacks = synthesise({
    ...example,
    incidents: {
      ...example.incidents,
      accounts: [
        { account: OPERATIONS, regions: ["us-east-1", "eu-west-1"] },
        { account: TOOLING, regions: ["eu-west-1"] },
        { account: APPLICATION, regions: ["eu-west-1", "us-east-1"] },
      ],
    },
  });
  const names = [
    "DoraOpsIncidentsStack-us-east-1",
    "DoraOpsIncidentsStack",
    "DoraApplicationOpsCenterStack-111122223333-eu-west-1",
    "DoraApplicationOpsCenterStack-222233334444-eu-west-1",
    "DoraApplicationOpsCenterStack-222233334444-us-east-1",
  ];

  it("have a stack for each account and Region, a tooling account's beside its own", () => {
    expect([...stacks.keys()].slice(-names.length)).toEqual(names);
    expect([...stacks.keys()]).toContain("DoraToolingEventBridgeStack");
  });

  it("have the role that is global to an account once in each, save in the functions' own", () => {
    const opsItems = [...stacks].flatMap(([name, stack]) =>
      Object.values(stack.findResources("AWS::IAM::Role", { Properties: ROLE })).map(
        ({ Properties }) => [name, Properties.Policies[0].PolicyDocument.Statement[0].Resource],
      ),
    );
    expect(opsItems).toEqual([
      [
        "DoraApplicationOpsCenterStack-111122223333-eu-west-1",
        "arn:aws:ssm:eu-west-1:111122223333:opsitem/*",
      ],
      [
        "DoraApplicationOpsCenterStack-222233334444-eu-west-1",
        [
          "arn:aws:ssm:eu-west-1:222233334444:opsitem/*",
          "arn:aws:ssm:us-east-1:222233334444:opsitem/*",
        ],
      ],
    ]);
  });

  it("all forward to the same buses, in their Region", () => {
    for (const name of names) {
      for (const { Targets } of rules(template(stacks, name))) {
        expect(Targets.map(({ Arn }: { Arn: string }) => Arn)).toEqual(BUSES);
      }
    }
  });
});
