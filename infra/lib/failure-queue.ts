// Where an event goes that could not be delivered or measured: nothing is lost
// in silence, and it can be sent again once the cause is gone.

import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";

export class FailureQueue extends Queue {
  /** The alarm that watches it has the same name. */
  constructor(scope: Construct, id: string, queueName: string) {
    super(scope, id, {
      queueName,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    Validations.of(this).acknowledge({
      id: "AwsSolutions-SQS3",
      reason: "It is itself the dead-letter queue of a rule or a function.",
    });
  }
}
