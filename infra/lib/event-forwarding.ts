// The way of an event out of the account in which it arises: rules on the default
// bus that put it on the functions' buses in the operations account, and a queue
// and an alarm for what does not arrive there.

import { Stack } from "aws-cdk-lib";
import { EventBus, Rule, type CfnRule } from "aws-cdk-lib/aws-events";
import * as targets from "aws-cdk-lib/aws-events-targets";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { alarmWhenAny } from "./alarm.ts";
import type { AlarmTopics } from "./alarm-topics.ts";
import type { Configuration } from "./configuration.ts";
import { pattern, type EventFeed } from "./event-feed.ts";
import { FailureQueue } from "./failure-queue.ts";
import { busName, type MetricFunctionName } from "./names.ts";

export interface EventForwardingProps {
  readonly configuration: Configuration;
  readonly feed: EventFeed;
  /** The functions that get the events. */
  readonly functions: readonly MetricFunctionName[];
  readonly alarmTopics: AlarmTopics;
}

export class EventForwarding extends Construct {
  constructor(scope: Construct, id: string, props: EventForwardingProps) {
    super(scope, id);
    const { configuration, feed, functions, alarmTopics } = props;
    const stack = Stack.of(this);
    const role = new Role(this, "Role", {
      description: `Puts events of ${feed.source} on the buses of the DORA metrics`,
      assumedBy: new ServicePrincipal("events.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": stack.account } },
      }),
    });
    const undeliveredName = `dora-undelivered-${feed.source.replace("aws.", "")}-events`;
    const undelivered = new FailureQueue(this, "UndeliveredEvents", undeliveredName);
    alarmWhenAny(this, "UndeliveredEventsAlarm", {
      name: undeliveredName,
      metric: undelivered.metricApproximateNumberOfMessagesVisible({ statistic: "Maximum" }),
      description: `An event of ${feed.source} did not reach a function's bus: its metrics are missing until it is sent again.`,
      topic: alarmTopics.reachedFrom(stack),
    });
    const buses = functions.map((name) => {
      const arn = stack.formatArn({
        ...configuration.operations,
        service: "events",
        resource: "event-bus",
        resourceName: busName(name),
      });
      return new targets.EventBus(EventBus.fromEventBusArn(this, `Bus-${name}`, arn), {
        role,
        deadLetterQueue: undelivered,
      });
    });
    for (const event of feed.events) {
      const rule = new Rule(this, event.id, {
        description: event.description,
        eventPattern: pattern(feed, event),
        targets: buses,
      });
      retryAsLongAsPossible(rule.node.defaultChild as CfnRule, buses.length);
    }
  }
}

/** What the CDK's target offers no property for: as long and as often as EventBridge tries at most. */
function retryAsLongAsPossible(rule: CfnRule, targets: number): void {
  for (let i = 0; i < targets; i++) {
    rule.addPropertyOverride(`Targets.${i}.RetryPolicy`, {
      MaximumEventAgeInSeconds: 24 * 60 * 60,
      MaximumRetryAttempts: 185,
    });
  }
}
