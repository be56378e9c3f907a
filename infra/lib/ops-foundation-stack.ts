// What the functions share: the ledger that makes them count exactly once, and
// the topic that tells people when something was not counted.

import { CfnOutput, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import { AttributeType, BillingMode, Table, TableEncryption } from "aws-cdk-lib/aws-dynamodb";
import { AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { alarmWhenAny } from "./alarm.ts";
import { AlarmTopic } from "./alarm-topic.ts";
import { accountsInOperationsRegion } from "./alarm-topics.ts";
import type { Configuration } from "./configuration.ts";
import { ALARM_TOPIC, LEDGER_TABLE } from "./names.ts";

export interface OpsFoundationStackProps extends StackProps {
  readonly configuration: Configuration;
}

export class OpsFoundationStack extends Stack {
  readonly ledger: Table;
  readonly alarmTopic: ITopic;

  constructor(scope: Construct, id: string, props: OpsFoundationStackProps) {
    super(scope, id, {
      ...props,
      description: "DORA metrics: the ledger and the alarm topic that the functions share",
    });
    this.ledger = this.createLedger();
    this.alarmTopic = new AlarmTopic(this, "AlarmTopic", {
      name: ALARM_TOPIC,
      emails: props.configuration.alarmEmails,
      accounts: accountsInOperationsRegion(props.configuration),
    });
    new CfnOutput(this, "AlarmTopicArn", {
      description: "Subscribe to it to learn of events that were not counted",
      value: this.alarmTopic.topicArn,
    });
    this.alarmWhenThrottled();
  }

  private createLedger(): Table {
    return new Table(this, "Ledger", {
      tableName: LEDGER_TABLE,
      partitionKey: { name: "pk", type: AttributeType.STRING },
      sortKey: { name: "sk", type: AttributeType.STRING },
      timeToLiveAttribute: "expires_at",
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      resourcePolicy: new PolicyDocument({
        statements: [
          new PolicyStatement({
            sid: "RefusePlainHttp",
            effect: Effect.DENY,
            principals: [new AnyPrincipal()],
            actions: ["dynamodb:*"],
            resources: ["*"],
            conditions: { Bool: { "aws:SecureTransport": "false" } },
          }),
        ],
      }),
      // Without the ledger, a replayed event would be counted a second time.
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }

  private alarmWhenThrottled(): void {
    for (const what of ["Read", "Write"]) {
      alarmWhenAny(this, `Ledger${what}ThrottlesAlarm`, {
        name: `dora-ledger-${what.toLowerCase()}-throttles`,
        metric: this.ledger.metric(`${what}ThrottleEvents`, { statistic: "Sum" }),
        description: "The ledger refuses calls as too many: events wait and are tried again.",
        topic: this.alarmTopic,
      });
    }
  }
}
