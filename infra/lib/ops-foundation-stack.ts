// What the functions share: the ledger that makes them count exactly once, and
// the topic that tells people when something was not counted.

import { ArnFormat, CfnOutput, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import {
  AttributeType,
  BillingMode,
  Table,
  TableEncryption,
  type ITable,
} from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import { Topic, type ITopic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { LEDGER_TABLE } from "./names.ts";

export class OpsFoundationStack extends Stack {
  readonly ledger: ITable;
  readonly alarmTopic: ITopic;

  constructor(scope: Construct, id: string, props: StackProps) {
    super(scope, id, {
      ...props,
      description: "DORA metrics: the ledger and the alarm topic that the functions share",
    });
    this.ledger = this.createLedger();
    this.alarmTopic = this.createAlarmTopic();
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
      // Without the ledger, a replayed event would be counted a second time.
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }

  private createAlarmTopic(): Topic {
    // The AWS managed key of SNS does not admit CloudWatch, so alarms that
    // publish to an encrypted topic need a key whose policy does.
    const key = new Key(this, "AlarmTopicKey", {
      description: "Encrypts the notifications of the DORA metrics' alarms",
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const topic = new Topic(this, "AlarmTopic", {
      displayName: "DORA metrics alarms",
      enforceSSL: true,
      masterKey: key,
    });
    const alarmsOfThisAccount = {
      StringEquals: { "aws:SourceAccount": this.account },
      ArnLike: {
        "aws:SourceArn": this.formatArn({
          service: "cloudwatch",
          resource: "alarm",
          resourceName: "*",
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      },
    };
    const cloudWatch = new ServicePrincipal("cloudwatch.amazonaws.com");
    key.addToResourcePolicy(
      new PolicyStatement({
        sid: "AllowAlarms",
        principals: [cloudWatch],
        actions: ["kms:Decrypt", "kms:GenerateDataKey*"],
        resources: ["*"],
        conditions: alarmsOfThisAccount,
      }),
    );
    // A topic with a policy loses the default one, which would admit alarms.
    topic.addToResourcePolicy(
      new PolicyStatement({
        sid: "AllowAlarms",
        principals: [cloudWatch],
        actions: ["sns:Publish"],
        resources: [topic.topicArn],
        conditions: alarmsOfThisAccount,
      }),
    );
    new CfnOutput(this, "AlarmTopicArn", {
      description: "Subscribe to it to learn of events that were not counted",
      value: topic.topicArn,
    });
    return topic;
  }
}
