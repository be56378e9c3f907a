import { Match } from "aws-cdk-lib/assertions";
import { describe, it } from "vitest";
import { example, synthesise, template } from "./example.ts";

describe("the foundation", () => {
  const stack = template(synthesise(example), "DoraOpsFoundationStack");

  it("keeps a ledger that expires its records, and that no mistake deletes", () => {
    stack.hasResource("AWS::DynamoDB::Table", {
      DeletionPolicy: "Retain",
      UpdateReplacePolicy: "Retain",
      Properties: {
        TableName: "dora-ledger",
        KeySchema: [
          { AttributeName: "pk", KeyType: "HASH" },
          { AttributeName: "sk", KeyType: "RANGE" },
        ],
        AttributeDefinitions: [
          { AttributeName: "pk", AttributeType: "S" },
          { AttributeName: "sk", AttributeType: "S" },
        ],
        BillingMode: "PAY_PER_REQUEST",
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
        ResourcePolicy: {
          PolicyDocument: {
            Statement: [
              Match.objectLike({
                Effect: "Deny",
                Action: "dynamodb:*",
                Principal: { AWS: "*" },
                Condition: { Bool: { "aws:SecureTransport": "false" } },
              }),
            ],
          },
        },
        TimeToLiveSpecification: { AttributeName: "expires_at", Enabled: true },
      },
    });
  });

  const accounts = ["444455556666", "111122223333", "222233334444"];
  const alarms = {
    StringEquals: { "aws:SourceAccount": accounts },
    ArnLike: {
      "aws:SourceArn": accounts.map(
        (account) => `arn:aws:cloudwatch:eu-west-1:${account}:alarm:dora-*`,
      ),
    },
  };

  it("admits the alarms of all accounts in its Region, and only over TLS, to an encrypted topic", () => {
    stack.hasResourceProperties("AWS::SNS::Topic", {
      TopicName: "dora-alarms",
      KmsMasterKeyId: Match.anyValue(),
    });
    stack.hasResourceProperties("AWS::SNS::TopicPolicy", {
      PolicyDocument: {
        Statement: [
          Match.objectLike({
            Effect: "Deny",
            Action: "sns:Publish",
            Principal: "*",
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          }),
          Match.objectLike({
            Effect: "Allow",
            Action: "sns:Publish",
            Principal: { Service: "cloudwatch.amazonaws.com" },
            Condition: alarms,
          }),
        ],
      },
    });
  });

  it("lets the alarms use the topic's key, which is rotated", () => {
    stack.hasResourceProperties("AWS::KMS::Key", {
      EnableKeyRotation: true,
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: "Allow",
            Action: ["kms:Decrypt", "kms:GenerateDataKey*"],
            Principal: { Service: "cloudwatch.amazonaws.com" },
            Condition: alarms,
          }),
        ]),
      },
    });
  });
});
