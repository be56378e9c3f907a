// The part of a tooling account, in each Region with pipelines: it forwards the
// events that may be production deployments to the operations account, and lets
// the functions there, and nobody else, look up what an event lacks.

import { ArnFormat, Stack, Validations, type StackProps } from "aws-cdk-lib";
import { EventBus, Rule } from "aws-cdk-lib/aws-events";
import * as targets from "aws-cdk-lib/aws-events-targets";
import {
  AccountPrincipal,
  PolicyDocument,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import { alarmWhenAny } from "./alarm.ts";
import type { Configuration, ToolingAccount } from "./configuration.ts";
import { deploymentEvents, pattern } from "./deployment-events.ts";
import { FailureQueue } from "./failure-queue.ts";
import { busName, functionRoleName, METRIC_FUNCTIONS, TOOLING_ROLE } from "./names.ts";

export interface ToolingEventBridgeStackProps extends StackProps {
  readonly configuration: Configuration;
  readonly tooling: ToolingAccount;
}

export class ToolingEventBridgeStack extends Stack {
  constructor(scope: Construct, id: string, props: ToolingEventBridgeStackProps) {
    super(scope, id, {
      ...props,
      description: "DORA metrics: forwards CodePipeline's events to the operations account",
    });
    this.forwardDeploymentEvents(props.configuration);
    // IAM is global to an account: the first Region's stack makes the role for all.
    if (this.region === props.tooling.regions[0]) {
      this.letFunctionsReadCodePipeline(props.configuration, props.tooling);
    }
  }

  private forwardDeploymentEvents(configuration: Configuration): void {
    const role = new Role(this, "ForwardingRole", {
      description: "Puts CodePipeline's events on the buses of the DORA metrics",
      assumedBy: new ServicePrincipal("events.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": this.account } },
      }),
    });
    const undelivered = new FailureQueue(this, "UndeliveredEvents");
    alarmWhenAny(this, "UndeliveredEventsAlarm", {
      metric: undelivered.metricApproximateNumberOfMessagesVisible({ statistic: "Maximum" }),
      description:
        "An event did not reach the operations account: its metrics are missing until it is sent again.",
    });
    const buses = METRIC_FUNCTIONS.map((name) => {
      const arn = this.formatArn({
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
    for (const event of deploymentEvents(configuration)) {
      new Rule(this, event.id, {
        description: event.description,
        eventPattern: pattern(event),
        targets: buses,
      });
    }
  }

  private letFunctionsReadCodePipeline(
    { operations }: Configuration,
    { regions }: ToolingAccount,
  ): void {
    const functionRoles = METRIC_FUNCTIONS.map((name) =>
      this.formatArn({
        service: "iam",
        region: "",
        account: operations.account,
        resource: "role",
        resourceName: functionRoleName(name),
      }),
    );
    // The name after the account is the pipeline's: its ARN has no resource type.
    const pipelines = regions.map((region) =>
      this.formatArn({
        service: "codepipeline",
        region,
        resource: "*",
        arnFormat: ArnFormat.NO_RESOURCE_NAME,
      }),
    );
    const role = new Role(this, "CrossAccountRole", {
      roleName: TOOLING_ROLE,
      description: "Lets the functions of the DORA metrics read CodePipeline",
      assumedBy: new AccountPrincipal(operations.account).withConditions({
        ArnEquals: { "aws:PrincipalArn": functionRoles },
      }),
      inlinePolicies: {
        ReadPipelines: new PolicyDocument({
          statements: [
            new PolicyStatement({
              actions: [
                "codepipeline:GetPipeline",
                "codepipeline:GetPipelineExecution",
                "codepipeline:ListActionExecutions",
                "codepipeline:ListPipelineExecutions",
              ],
              resources: pipelines,
            }),
          ],
        }),
      },
    });
    Validations.of(role).acknowledge(
      ...pipelines.map((arn) => ({
        id: `AwsSolutions-IAM5[Resource::${arn}]`,
        reason: "Every pipeline of the account is measured; the actions only read.",
      })),
    );
  }
}
