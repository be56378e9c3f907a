import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { example, template } from "./example.ts";

const imported = { "Fn::ImportValue": Match.stringLikeRegexp("^DoraOpsFoundationStack:") };

describe("deployment frequency", () => {
  const stack = template(example, "DoraOpsDeploymentFrequencyStack");

  it("opens its bus to what rules of the tooling accounts forward from CodePipeline", () => {
    stack.hasResourceProperties("AWS::Events::EventBus", {
      Name: "dora-deployment-frequency",
      Policy: {
        Statement: [
          {
            Sid: "AllowRulesOfToolingAccounts",
            Effect: "Allow",
            Principal: { AWS: "arn:aws:iam::111122223333:root" },
            Action: "events:PutEvents",
            Resource: "arn:aws:events:eu-west-1:444455556666:event-bus/dora-deployment-frequency",
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
    for (const { EventBusName } of rules) expect(EventBusName).toEqual({ Ref: bus });
  });

  it("lets each of its rules, and nothing else, invoke the function", () => {
    const permissions = Object.values(stack.findResources("AWS::Lambda::Permission"));
    const rules = Object.keys(stack.findResources("AWS::Events::Rule"));
    expect(
      permissions.map(({ Properties }) => [Properties.Principal, Properties.SourceArn]),
    ).toEqual(rules.map((rule) => ["events.amazonaws.com", { "Fn::GetAtt": [rule, "Arn"] }]));
  });

  it("takes no stage event where nobody develops trunk-based", () => {
    const gitFlow = template(
      { ...example, appRepositoryNames: [] },
      "DoraOpsDeploymentFrequencyStack",
    );
    gitFlow.resourceCountIs("AWS::Events::Rule", 1);
    gitFlow.hasResourceProperties("AWS::Events::EventBus", {
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

  it("runs the compiled function with its settings", () => {
    stack.hasResourceProperties("AWS::Lambda::Function", {
      FunctionName: "deployment-frequency",
      Runtime: "provided.al2023",
      Handler: "bootstrap",
      Architectures: ["x86_64"],
      MemorySize: 256,
      Timeout: 30,
      LoggingConfig: { LogFormat: "JSON", LogGroup: Match.anyValue() },
      Environment: {
        Variables: {
          LEDGER_TABLE: imported,
          LEDGER_RETENTION_DAYS: "400",
          METRIC_NAMESPACE: "DORA",
          TOOLING_ACCOUNT_IDS: "111122223333",
          TOOLING_CROSS_ACCOUNT_LAMBDA_ROLE: "ToolingCrossAccountLambdaRole",
          DEFAULT_MAIN_BRANCH: "main",
          APP_PROD_STAGE_NAME: "DeployPROD",
          APP_REPOSITORY_NAMES: "acme/payments",
          TEAM_BY_REPOSITORY: '{"acme/web":"Storefront"}',
        },
      },
    });
    stack.hasResourceProperties("AWS::Logs::LogGroup", {
      LogGroupName: "/aws/lambda/deployment-frequency",
      RetentionInDays: 90,
    });
  });

  it("grants the function what it calls, and nothing else", () => {
    const queues = Match.stringLikeRegexp("^MeasureFailedEvents");
    const logs = Match.stringLikeRegexp("^MeasureLogs");
    stack.resourceCountIs("AWS::IAM::Role", 1);
    stack.resourceCountIs("AWS::IAM::Policy", 1);
    stack.hasResourceProperties("AWS::IAM::Role", {
      RoleName: "dora-deployment-frequency",
      Policies: Match.absent(),
    });
    stack.hasResourceProperties("AWS::IAM::Policy", {
      PolicyDocument: {
        Statement: [
          {
            Effect: "Allow",
            Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
            Resource: { "Fn::GetAtt": [logs, "Arn"] },
          },
          { Effect: "Allow", Action: "dynamodb:UpdateItem", Resource: imported },
          {
            Effect: "Allow",
            Action: "sqs:SendMessage",
            Resource: { "Fn::GetAtt": [queues, "Arn"] },
          },
          {
            Effect: "Allow",
            Action: "cloudwatch:PutMetricData",
            Resource: "*",
            Condition: { StringEquals: { "cloudwatch:namespace": "DORA" } },
          },
          {
            Effect: "Allow",
            Action: "sts:AssumeRole",
            Resource: "arn:aws:iam::111122223333:role/ToolingCrossAccountLambdaRole",
          },
        ],
      },
    });
  });

  it("tries an event three times within six hours, then keeps it", () => {
    stack.hasResourceProperties("AWS::Lambda::EventInvokeConfig", {
      MaximumRetryAttempts: 2,
      MaximumEventAgeInSeconds: 21600,
      DestinationConfig: {
        OnFailure: {
          Destination: { "Fn::GetAtt": [Match.stringLikeRegexp("^MeasureFailedEvents"), "Arn"] },
        },
      },
    });
  });

  it("raises an alarm for events kept, errors and throttles, and tells the topic", () => {
    const alarms = Object.values(stack.findResources("AWS::CloudWatch::Alarm")).map(
      ({ Properties }) => Properties,
    );
    expect(alarms.map(({ MetricName }) => MetricName).sort()).toEqual([
      "ApproximateNumberOfMessagesVisible",
      "ApproximateNumberOfMessagesVisible",
      "AsyncEventsDropped",
      "DestinationDeliveryFailures",
      "Errors",
      "Throttles",
    ]);
    for (const alarm of alarms) {
      expect(alarm).toMatchObject({
        Threshold: 1,
        ComparisonOperator: "GreaterThanOrEqualToThreshold",
        TreatMissingData: "notBreaching",
        AlarmActions: [{ "Fn::ImportValue": expect.stringContaining("AlarmTopic") }],
      });
    }
  });
});
