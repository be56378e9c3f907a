// Where alarms go: an encrypted topic that only the product's alarms may publish to, and
// those who get its messages by e-mail.

import { ArnFormat, RemovalPolicy, Stack } from "aws-cdk-lib";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";

export interface AlarmTopicProps {
  /** Fixed where other accounts have to find it. */
  readonly name?: string;
  readonly emails: readonly string[];
  /** Whose alarms may publish to it. */
  readonly accounts: readonly string[];
}

export class AlarmTopic extends Topic {
  constructor(scope: Construct, id: string, { name, emails, accounts }: AlarmTopicProps) {
    // The AWS managed key of SNS does not admit CloudWatch, so alarms that
    // publish to an encrypted topic need a key whose policy does.
    const key = new Key(scope, `${id}Key`, {
      description: "Encrypts the notifications of the DORA metrics' alarms",
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    super(scope, id, {
      ...(name && { topicName: name }),
      displayName: "DORA metrics alarms",
      enforceSSL: true,
      masterKey: key,
    });
    const alarms = {
      StringEquals: { "aws:SourceAccount": accounts },
      ArnLike: {
        "aws:SourceArn": accounts.map((account) =>
          Stack.of(this).formatArn({
            service: "cloudwatch",
            account,
            resource: "alarm",
            resourceName: "dora-*",
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
          }),
        ),
      },
    };
    const cloudWatch = new ServicePrincipal("cloudwatch.amazonaws.com");
    key.addToResourcePolicy(
      new PolicyStatement({
        sid: "AllowAlarms",
        principals: [cloudWatch],
        actions: ["kms:Decrypt", "kms:GenerateDataKey*"],
        resources: ["*"],
        conditions: alarms,
      }),
    );
    // A topic with a policy loses the default one, which would admit alarms.
    this.addToResourcePolicy(
      new PolicyStatement({
        sid: "AllowAlarms",
        principals: [cloudWatch],
        actions: ["sns:Publish"],
        resources: [this.topicArn],
        conditions: alarms,
      }),
    );
    for (const email of emails) this.addSubscription(new EmailSubscription(email));
  }
}
