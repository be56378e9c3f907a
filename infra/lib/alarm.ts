// What the alarms have in common: one occurrence is one too many, silence is
// good news, and the news goes to the topic, where the account has one.

import { TreatMissingData, type Metric } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";

export interface AlarmWhenAnyProps {
  readonly metric: Metric;
  readonly description: string;
  readonly topic?: ITopic;
}

export function alarmWhenAny(scope: Construct, id: string, props: AlarmWhenAnyProps): void {
  const alarm = props.metric.createAlarm(scope, id, {
    alarmDescription: props.description,
    threshold: 1,
    evaluationPeriods: 1,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
  if (props.topic) alarm.addAlarmAction(new SnsAction(props.topic));
}
