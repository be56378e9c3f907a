// Where the alarms of an account and Region go: an encrypted topic that only they may
// publish to, and those who get its messages by e-mail.

import { ArnFormat, RemovalPolicy, Stack } from "aws-cdk-lib";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";

export class AlarmTopic extends Topic {
  constructor(scope: Construct, id: string, emails: readonly string[]) {
    // The AWS managed key of SNS does not admit CloudWatch, so alarms that
    // publish to an encrypted topic need a key whose policy does.
    const key = new Key(scope, `${id}Key`, {
      description: "Encrypts the notifications of the DORA metrics' alarms",
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    super(scope, id, { displayName: "DORA metrics alarms", enforceSSL: true, masterKey: key });
    const stack = Stack.of(this);
    const alarmsOfThisAccount = {
      StringEquals: { "aws:SourceAccount": stack.account },
      ArnLike: {
        "aws:SourceArn": stack.formatArn({
          service: "cloudwatch",
          resource: "alarm",
          resourceName: "dora-*",
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
    this.addToResourcePolicy(
      new PolicyStatement({
        sid: "AllowAlarms",
        principals: [cloudWatch],
        actions: ["sns:Publish"],
        resources: [this.topicArn],
        conditions: alarmsOfThisAccount,
      }),
    );
    for (const email of emails) this.addSubscription(new EmailSubscription(email));
  }
}
