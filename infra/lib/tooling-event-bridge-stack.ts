// The part of a tooling account, in each Region with pipelines: it forwards the
// events that may be production deployments to the operations account, and lets
// the functions there, and nobody else, look up what an event lacks.

import { ArnFormat, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { AlarmTopics } from "./alarm-topics.ts";
import type { AccountRegions, Configuration } from "./configuration.ts";
import { CrossAccountReadRole } from "./cross-account-read-role.ts";
import { deploymentEvents } from "./deployment-events.ts";
import { EventForwarding } from "./event-forwarding.ts";
import { METRIC_FUNCTIONS, TOOLING_ROLE } from "./names.ts";

export interface ToolingEventBridgeStackProps extends StackProps {
  readonly configuration: Configuration;
  readonly tooling: AccountRegions;
  readonly alarmTopics: AlarmTopics;
}

export class ToolingEventBridgeStack extends Stack {
  constructor(scope: Construct, id: string, props: ToolingEventBridgeStackProps) {
    super(scope, id, {
      ...props,
      description: "DORA metrics: forwards CodePipeline's events to the operations account",
    });
    const { configuration, tooling, alarmTopics } = props;
    new EventForwarding(this, "Forwarding", {
      configuration,
      feed: deploymentEvents(configuration),
      functions: METRIC_FUNCTIONS,
      alarmTopics,
    });
    // IAM is global to an account: the first Region's stack makes the role for all.
    if (this.region === tooling.regions[0]) {
      this.letFunctionsReadCodePipeline(configuration, tooling);
    }
  }

  private letFunctionsReadCodePipeline(
    configuration: Configuration,
    { regions }: AccountRegions,
  ): void {
    new CrossAccountReadRole(this, "CrossAccountRole", {
      roleName: TOOLING_ROLE,
      description: "Lets the functions of the DORA metrics read CodePipeline",
      configuration,
      functions: METRIC_FUNCTIONS,
      actions: [
        "codepipeline:GetPipeline",
        "codepipeline:GetPipelineExecution",
        "codepipeline:ListActionExecutions",
        "codepipeline:ListPipelineExecutions",
      ],
      // The name after the account is the pipeline's: its ARN has no resource type.
      resources: regions.map((region) =>
        this.formatArn({
          service: "codepipeline",
          region,
          resource: "*",
          arnFormat: ArnFormat.NO_RESOURCE_NAME,
        }),
      ),
      reason: "Every pipeline of the account is measured; the actions only read.",
    });
  }
}
