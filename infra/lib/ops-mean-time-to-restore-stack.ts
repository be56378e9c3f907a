// Mean time to restore, now DORA's failed deployment recovery time: the function
// that publishes `TimeToRecovery` and `ReworkDeployments`, and the bus that feeds it.

import { Duration, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { deploymentEvents } from "./deployment-events.ts";
import { FunctionEventBus } from "./function-event-bus.ts";
import { incidentEvents } from "./incident-events.ts";
import { IncidentFunction } from "./incident-function.ts";
import type { MetricStackProps } from "./metric-function.ts";
import type { OpsGitHubLogsStack } from "./ops-github-logs-stack.ts";

export interface OpsMeanTimeToRestoreStackProps extends MetricStackProps {
  readonly gitHub: OpsGitHubLogsStack;
}

export class OpsMeanTimeToRestoreStack extends Stack {
  constructor(scope: Construct, id: string, props: OpsMeanTimeToRestoreStackProps) {
    super(scope, id, { ...props, description: "DORA metrics: mean time to restore" });
    const { configuration, foundation, gitHub, lambdaDir } = props;
    const name = "mttr";
    const { lambda } = new IncidentFunction(this, "Measure", {
      name,
      configuration,
      lambdaDir,
      ledger: foundation.ledger,
      alarmTopic: foundation.alarmTopic,
      // It waits for GitHub as `lead-time` does, and no longer for the same reason.
      timeout: Duration.minutes(2),
      gitHubToken: gitHub.token,
    });
    new FunctionEventBus(this, "Events", {
      name,
      configuration,
      feeds: [deploymentEvents(configuration), incidentEvents(configuration)],
      target: lambda,
      alarmTopic: foundation.alarmTopic,
    });
  }
}
