// What the alarms have in common: a name that the runbook has too, and the topic
// that the news goes to.

import {
  ComparisonOperator,
  TreatMissingData,
  type Alarm,
  type Metric,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Duration } from "aws-cdk-lib";
import type { Construct } from "constructs";

export interface AlarmProps {
  /** In `docs/operations.md` there is a line for it. */
  readonly name: string;
  readonly metric: Metric;
  readonly description: string;
  readonly topic?: ITopic;
}

/** One occurrence is one too many, and silence is good news. */
export function alarmWhenAny(scope: Construct, id: string, props: AlarmProps): void {
  const alarm = props.metric.createAlarm(scope, id, {
    alarmName: props.name,
    alarmDescription: props.description,
    threshold: 1,
    evaluationPeriods: 1,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
  tell(alarm, props.topic);
}

/** Nothing at all for some days, which is how a cut line looks. */
export function alarmWhenNone(
  scope: Construct,
  id: string,
  { days, ...props }: AlarmProps & { readonly days: number },
): void {
  const alarm = props.metric.with({ period: Duration.days(1) }).createAlarm(scope, id, {
    alarmName: props.name,
    alarmDescription: props.description,
    threshold: 1,
    comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
    evaluationPeriods: days,
    treatMissingData: TreatMissingData.BREACHING,
  });
  tell(alarm, props.topic);
}

function tell(alarm: Alarm, topic?: ITopic): void {
  if (topic) alarm.addAlarmAction(new SnsAction(topic));
}
