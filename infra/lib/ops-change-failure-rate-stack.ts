// Change failure rate: the function that publishes `Changes`, `FailedChanges` and
// `Incidents`, and the bus that feeds it.

import { Duration, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { deploymentEvents } from "./deployment-events.ts";
import { FunctionEventBus } from "./function-event-bus.ts";
import { incidentEvents } from "./incident-events.ts";
import { IncidentFunction } from "./incident-function.ts";
import type { MetricStackProps } from "./metric-function.ts";

export class OpsChangeFailureRateStack extends Stack {
  constructor(scope: Construct, id: string, props: MetricStackProps) {
    super(scope, id, { ...props, description: "DORA metrics: change failure rate" });
    const { configuration, foundation, lambdaDir } = props;
    const name = "change-failure-rate";
    const { lambda } = new IncidentFunction(this, "Measure", {
      name,
      configuration,
      lambdaDir,
      ledger: foundation.ledger,
      alarmTopic: foundation.alarmTopic,
      // Which execution an incident belongs to may take the histories of several
      // pipelines to find.
      timeout: Duration.minutes(1),
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
