// The way of an event into the operations account: a bus that only the rules of
// the configured accounts may feed, an archive of what it took, and the rules that hand
// its events to one function.

import { Duration, Stack } from "aws-cdk-lib";
import { CfnArchive, EventBus, Rule, type CfnEventBus } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import { PolicyDocument, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { alarmWhenAny } from "./alarm.ts";
import type { Configuration } from "./configuration.ts";
import { pattern, type EventFeed } from "./event-feed.ts";
import { FailureQueue } from "./failure-queue.ts";
import { busName, type MetricFunctionName } from "./names.ts";
import { OrganizationAccount } from "./organization-account.ts";

export interface FunctionEventBusProps {
  readonly name: MetricFunctionName;
  readonly configuration: Configuration;
  readonly feeds: readonly EventFeed[];
  readonly target: IFunction;
  readonly alarmTopic: ITopic;
}

export class FunctionEventBus extends Construct {
  constructor(scope: Construct, id: string, props: FunctionEventBusProps) {
    super(scope, id);
    const { name, configuration, feeds, target, alarmTopic } = props;
    const bus = new EventBus(this, "Bus", {
      eventBusName: busName(name),
      description: `The events that ${name} measures`,
    });
    // The bus and its policy are one resource, so no event finds it without one.
    (bus.node.defaultChild as CfnEventBus).policy = new PolicyDocument({
      statements: feeds.map((feed) => this.admission(name, feed, configuration)),
    });
    new CfnArchive(this, "Archive", {
      archiveName: busName(name),
      description: `What ${name} was to measure, to be replayed to it`,
      sourceArn: bus.eventBusArn,
      retentionDays: configuration.archiveRetentionDays,
    });

    const undeliveredName = `dora-${name}-undelivered-events`;
    const undelivered = new FailureQueue(this, "UndeliveredEvents", undeliveredName);
    for (const feed of feeds) {
      for (const event of feed.events) {
        new Rule(this, event.id, {
          description: event.description,
          eventBus: bus,
          eventPattern: { ...pattern(feed, event), account: feed.accounts },
          targets: [
            new LambdaFunction(target, {
              deadLetterQueue: undelivered,
              // As long and as often as EventBridge tries at most.
              maxEventAge: Duration.hours(24),
              retryAttempts: 185,
            }),
          ],
        });
      }
    }
    alarmWhenAny(this, "UndeliveredEventsAlarm", {
      name: undeliveredName,
      metric: undelivered.metricApproximateNumberOfMessagesVisible({ statistic: "Maximum" }),
      description: `An event did not reach ${name}: its metric is missing until the event is sent again.`,
      topic: alarmTopic,
    });
  }

  private admission(
    name: MetricFunctionName,
    feed: EventFeed,
    configuration: Configuration,
  ): PolicyStatement {
    return new PolicyStatement({
      sid: feed.sid,
      principals: feed.accounts.map((account) => new OrganizationAccount(account, configuration)),
      actions: ["events:PutEvents"],
      resources: [
        Stack.of(this).formatArn({
          service: "events",
          resource: "event-bus",
          resourceName: busName(name),
        }),
      ],
      conditions: {
        // Only what a rule forwards, never what somebody puts here directly.
        Bool: { "events:eventBusInvocation": "true" },
        StringEquals: { "events:detail-type": feed.events.map(({ detailType }) => detailType) },
        // `events:source` may hold several values; ForAllValues alone would
        // also be satisfied by none.
        "ForAllValues:StringEquals": { "events:source": feed.source },
        Null: { "events:source": "false" },
      },
    });
  }
}
