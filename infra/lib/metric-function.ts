// Makes the functions that measure alike: the same runtime, least privilege,
// retries that lose nothing, and alarms that somebody hears.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Duration, RemovalPolicy, Stack, Validations, type StackProps } from "aws-cdk-lib";
import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  Architecture,
  Code,
  Function,
  LoggingFormat,
  Runtime,
  Version,
} from "aws-cdk-lib/aws-lambda";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { alarmWhenAny, alarmWhenNone } from "./alarm.ts";
import type { Configuration } from "./configuration.ts";
import { FailureQueue } from "./failure-queue.ts";
import { functionRoleName, TOOLING_ROLE, type MetricFunctionName } from "./names.ts";
import type { OpsFoundationStack } from "./ops-foundation-stack.ts";
import { Refusal } from "./refusal.ts";

/** What every stack of a function that measures is made of. */
export interface MetricStackProps extends StackProps {
  readonly configuration: Configuration;
  readonly foundation: OpsFoundationStack;
  /** Where `cargo lambda build` has put the functions' zips. */
  readonly lambdaDir: string;
}

export interface MetricFunctionProps {
  readonly name: MetricFunctionName;
  readonly configuration: Configuration;
  /** Where `cargo lambda build` has put the functions' zips. */
  readonly lambdaDir: string;
  readonly ledger: ITable;
  readonly alarmTopic: ITopic;
  readonly timeout: Duration;
  /** GitHub's token, where the function reads commits. */
  readonly gitHubToken?: ISecret;
  /** The settings of this function alone. */
  readonly environment?: Readonly<Record<string, string>>;
}

export class MetricFunction extends Construct {
  readonly lambda: Function;

  constructor(scope: Construct, id: string, props: MetricFunctionProps) {
    super(scope, id);
    const failedEvents = new FailureQueue(this, "FailedEvents", failedEventsName(props.name));
    this.lambda = this.createLambda(props, failedEvents);
    this.allow(props, failedEvents);
    this.alarm(props, failedEvents);
  }

  private createLambda(props: MetricFunctionProps, failedEvents: FailureQueue): Function {
    const { name, configuration, ledger, gitHubToken } = props;
    const zip = builtZip(props.lambdaDir, name);
    const codeSha256 = createHash("sha256").update(readFileSync(zip)).digest("base64");
    const lambda = new Function(this, "Function", {
      functionName: name,
      // Lambda publishes no version of a code that it has published, with `cargo lambda
      // deploy`, under the same configuration: so the configuration names the code.
      description: `DORA metrics: ${name}, code ${codeSha256}`,
      runtime: Runtime.PROVIDED_AL2023,
      architecture:
        configuration.architecture === "arm64" ? Architecture.ARM_64 : Architecture.X86_64,
      handler: "bootstrap",
      code: Code.fromAsset(zip),
      // Chosen for the share of a CPU that comes with it: a cold start is spent
      // on TLS handshakes, not on memory.
      memorySize: 256,
      timeout: props.timeout,
      role: new Role(this, "Role", {
        roleName: functionRoleName(name),
        description: `Execution role of the function ${name}`,
        assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
      }),
      environment: {
        LEDGER_TABLE: ledger.tableName,
        LEDGER_RETENTION_DAYS: String(configuration.ledgerRetentionDays),
        METRIC_NAMESPACE: configuration.metricNamespace,
        TOOLING_ACCOUNT_IDS: configuration.tooling.map(({ account }) => account).join(","),
        TOOLING_CROSS_ACCOUNT_LAMBDA_ROLE: TOOLING_ROLE,
        CROSS_ACCOUNT_EXTERNAL_ID: configuration.externalId,
        DEFAULT_MAIN_BRANCH: configuration.defaultMainBranch,
        APP_PROD_STAGE_NAME: configuration.appProdStageName,
        APP_REPOSITORY_NAMES: configuration.appRepositoryNames.join(","),
        TEAM_BY_REPOSITORY: JSON.stringify(configuration.teamByRepository),
        ...(gitHubToken && {
          GITHUB_API_URL: configuration.githubApiUrl,
          GITHUB_TOKEN_SECRET_ID: gitHubToken.secretArn,
        }),
        ...props.environment,
      },
      loggingFormat: LoggingFormat.JSON,
      logGroup: new LogGroup(this, "Logs", {
        logGroupName: `/aws/lambda/${name}`,
        retention: configuration.logRetentionDays,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
      retryAttempts: 2,
      maxEventAge: Duration.hours(6),
      onFailure: { bind: () => ({ destination: failedEvents.queueArn }) },
    });
    // CloudFormation publishes a version only of exactly this code, so a deployment
    // fails if what Lambda got is not what was built here.
    new Version(this, "BuiltCode", { lambda, codeSha256 });
    return lambda;
  }

  private allow(props: MetricFunctionProps, failedEvents: FailureQueue): void {
    const { configuration, ledger, gitHubToken } = props;
    this.lambda.logGroup.grantWrite(this.lambda);
    ledger.grant(this.lambda, "dynamodb:UpdateItem");
    this.lambda.addToRolePolicy(
      // Lambda sends to the failure queue as the function.
      new PolicyStatement({ actions: ["sqs:SendMessage"], resources: [failedEvents.queueArn] }),
    );
    this.lambda.addToRolePolicy(
      new PolicyStatement({
        actions: ["cloudwatch:PutMetricData"],
        resources: ["*"],
        conditions: { StringEquals: { "cloudwatch:namespace": configuration.metricNamespace } },
      }),
    );
    this.lambda.addToRolePolicy(
      new PolicyStatement({
        actions: ["sts:AssumeRole"],
        resources: configuration.tooling.map(({ account }) =>
          Stack.of(this).formatArn({
            service: "iam",
            region: "",
            account,
            resource: "role",
            resourceName: TOOLING_ROLE,
          }),
        ),
      }),
    );
    if (gitHubToken) {
      this.lambda.addToRolePolicy(
        new PolicyStatement({
          actions: ["secretsmanager:GetSecretValue"],
          resources: [gitHubToken.secretArn],
        }),
      );
    }
    Validations.of(this).acknowledge({
      id: "AwsSolutions-IAM5[Resource::*]",
      reason: "PutMetricData has no resources; the condition holds it to the metrics' namespace.",
    });
  }

  private alarm(props: MetricFunctionProps, failedEvents: FailureQueue): void {
    const { name, configuration, alarmTopic } = props;
    alarmWhenAny(this, "FailedEventsAlarm", {
      name: failedEventsName(name),
      metric: failedEvents.metricApproximateNumberOfMessagesVisible({ statistic: "Maximum" }),
      description: `${name} gave up on an event: its metric is missing until the event is sent again.`,
      topic: alarmTopic,
    });
    alarmWhenAny(this, "ErrorsAlarm", {
      name: `dora-${name}-errors`,
      metric: this.lambda.metricErrors(),
      description: `${name} failed on an event, which is tried three times in all.`,
      topic: alarmTopic,
    });
    alarmWhenAny(this, "ThrottlesAlarm", {
      name: `dora-${name}-throttles`,
      metric: this.lambda.metricThrottles(),
      description: `${name} was throttled: its events wait, for six hours at most.`,
      topic: alarmTopic,
    });
    // The one way in which an event that Lambda took leaves it and is in no queue.
    alarmWhenAny(this, "UnkeptEventsAlarm", {
      name: `dora-${name}-unkept-events`,
      metric: this.lambda.metric("DestinationDeliveryFailures", { statistic: "Sum" }),
      description: `${name} gave up on an event that its failure queue did not take: it is lost.`,
      topic: alarmTopic,
    });
    // A cut line before the function shows nowhere else. If OpsItems' line alone is cut,
    // deployments still come and this is silent: the runbook says how to look.
    const days = configuration.noEventAlarmDays;
    if (days > 0) {
      alarmWhenNone(this, "NoEventsAlarm", {
        name: `dora-${name}-no-events`,
        days,
        metric: this.lambda.metricInvocations(),
        description: `No event has reached ${name} for ${days} days: nobody deployed, or events are lost on their way.`,
        topic: alarmTopic,
      });
    }
  }
}

const failedEventsName = (name: MetricFunctionName): string => `dora-${name}-failed-events`;

function builtZip(lambdaDir: string, name: MetricFunctionName): string {
  const zip = join(lambdaDir, name, "bootstrap.zip");
  if (!existsSync(zip)) throw new Refusal(`${zip} does not exist: run make build first`);
  return zip;
}
