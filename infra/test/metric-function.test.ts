import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { METRIC_FUNCTIONS, type MetricFunctionName } from "../lib/names.ts";
import { example, STACKS, synthesise, template } from "./example.ts";

const imported = (stack: string) => ({ "Fn::ImportValue": Match.stringLikeRegexp(`^${stack}:`) });
const ledger = imported("DoraOpsFoundationStack");
const token = imported("DoraOpsGitHubLogsStack");

/** In what a function differs from the others. */
interface Own {
  readonly timeout: number;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly permissions: readonly unknown[];
}

const OWN: Readonly<Record<MetricFunctionName, Own>> = {
  "deployment-frequency": { timeout: 30, settings: {}, permissions: [] },
  "lead-time": {
    timeout: 120,
    settings: { GITHUB_API_URL: "https://api.github.com", GITHUB_TOKEN_SECRET_ID: token },
    permissions: [{ Effect: "Allow", Action: "secretsmanager:GetSecretValue", Resource: token }],
  },
};

const stacks = synthesise(example);

describe.each(METRIC_FUNCTIONS)("the function %s", (name) => {
  const stack = template(stacks, STACKS[name]);
  const { timeout, settings, permissions } = OWN[name];
  const failedEvents = { "Fn::GetAtt": [Match.stringLikeRegexp("^MeasureFailedEvents"), "Arn"] };

  it("runs as compiled, with its settings and no others", () => {
    stack.hasResourceProperties("AWS::Lambda::Function", {
      FunctionName: name,
      Runtime: "provided.al2023",
      Handler: "bootstrap",
      Architectures: ["x86_64"],
      MemorySize: 256,
      Timeout: timeout,
      LoggingConfig: { LogFormat: "JSON", LogGroup: Match.anyValue() },
      Environment: Match.objectEquals({
        Variables: {
          LEDGER_TABLE: ledger,
          LEDGER_RETENTION_DAYS: "400",
          METRIC_NAMESPACE: "DORA",
          TOOLING_ACCOUNT_IDS: "111122223333",
          TOOLING_CROSS_ACCOUNT_LAMBDA_ROLE: "ToolingCrossAccountLambdaRole",
          DEFAULT_MAIN_BRANCH: "main",
          APP_PROD_STAGE_NAME: "DeployPROD",
          APP_REPOSITORY_NAMES: "acme/payments",
          TEAM_BY_REPOSITORY: '{"acme/web":"Storefront"}',
          ...settings,
        },
      }),
    });
    stack.hasResourceProperties("AWS::Logs::LogGroup", {
      LogGroupName: `/aws/lambda/${name}`,
      RetentionInDays: 90,
    });
  });

  it("may do what it does, and nothing else", () => {
    const logs = { "Fn::GetAtt": [Match.stringLikeRegexp("^MeasureLogs"), "Arn"] };
    stack.resourceCountIs("AWS::IAM::Role", 1);
    stack.resourceCountIs("AWS::IAM::Policy", 1);
    stack.hasResourceProperties("AWS::IAM::Role", {
      RoleName: `dora-${name}`,
      Policies: Match.absent(),
    });
    stack.hasResourceProperties("AWS::IAM::Policy", {
      PolicyDocument: {
        Statement: [
          {
            Effect: "Allow",
            Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
            Resource: logs,
          },
          { Effect: "Allow", Action: "dynamodb:UpdateItem", Resource: ledger },
          { Effect: "Allow", Action: "sqs:SendMessage", Resource: failedEvents },
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
          ...permissions,
        ],
      },
    });
  });

  it("tries an event three times within six hours, then keeps it", () => {
    stack.hasResourceProperties("AWS::Lambda::EventInvokeConfig", {
      MaximumRetryAttempts: 2,
      MaximumEventAgeInSeconds: 21600,
      DestinationConfig: { OnFailure: { Destination: failedEvents } },
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
        AlarmDescription: expect.stringContaining(name),
        Threshold: 1,
        ComparisonOperator: "GreaterThanOrEqualToThreshold",
        TreatMissingData: "notBreaching",
        AlarmActions: [{ "Fn::ImportValue": expect.stringContaining("AlarmTopic") }],
      });
    }
  });
});
