// The way of an event into the operations account: a bus that only the tooling
// accounts' rules may feed, and the rules that hand its events to one function.

import { Stack } from "aws-cdk-lib";
import { EventBus, Rule, type CfnEventBus } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import { AccountPrincipal, PolicyDocument, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { alarmWhenAny } from "./alarm.ts";
import type { Configuration } from "./configuration.ts";
import { deploymentEvents, pattern, SOURCE, type DeploymentEvent } from "./deployment-events.ts";
import { FailureQueue } from "./failure-queue.ts";
import { busName, type MetricFunctionName } from "./names.ts";

export interface DeploymentEventBusProps {
  readonly name: MetricFunctionName;
  readonly configuration: Configuration;
  readonly target: IFunction;
  readonly alarmTopic: ITopic;
}

export class DeploymentEventBus extends Construct {
  constructor(scope: Construct, id: string, props: DeploymentEventBusProps) {
    super(scope, id);
    const accounts = props.configuration.tooling.map(({ account }) => account);
    const events = deploymentEvents(props.configuration);

    const bus = new EventBus(this, "Bus", {
      eventBusName: busName(props.name),
      description: `CodePipeline's events for ${props.name}`,
    });
    // The bus and its policy are one resource, so no event finds it without one.
    (bus.node.defaultChild as CfnEventBus).policy = this.policy(props.name, accounts, events);

    const undelivered = new FailureQueue(this, "UndeliveredEvents");
    for (const event of events) {
      new Rule(this, event.id, {
        description: event.description,
        eventBus: bus,
        eventPattern: { ...pattern(event), account: accounts },
        targets: [new LambdaFunction(props.target, { deadLetterQueue: undelivered })],
      });
    }
    alarmWhenAny(this, "UndeliveredEventsAlarm", {
      metric: undelivered.metricApproximateNumberOfMessagesVisible({ statistic: "Maximum" }),
      description: `An event did not reach ${props.name}: its metric is missing until the event is sent again.`,
      topic: props.alarmTopic,
    });
  }

  private policy(
    name: MetricFunctionName,
    accounts: string[],
    events: DeploymentEvent[],
  ): PolicyDocument {
    return new PolicyDocument({
      statements: [
        new PolicyStatement({
          sid: "AllowRulesOfToolingAccounts",
          principals: accounts.map((account) => new AccountPrincipal(account)),
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
            StringEquals: { "events:detail-type": events.map(({ detailType }) => detailType) },
            // `events:source` may hold several values; ForAllValues alone would
            // also be satisfied by none.
            "ForAllValues:StringEquals": { "events:source": SOURCE },
            Null: { "events:source": "false" },
          },
        }),
      ],
    });
  }
}
