// Deployment frequency, DORA's first metric: the function that publishes
// `Deployments`, and the bus that feeds it.

import { Duration, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { deploymentEvents } from "./deployment-events.ts";
import { FunctionEventBus } from "./function-event-bus.ts";
import { MetricFunction, type MetricStackProps } from "./metric-function.ts";

export class OpsDeploymentFrequencyStack extends Stack {
  constructor(scope: Construct, id: string, props: MetricStackProps) {
    super(scope, id, { ...props, description: "DORA metrics: deployment frequency" });
    const { configuration, foundation, lambdaDir } = props;
    const name = "deployment-frequency";
    const { lambda } = new MetricFunction(this, "Measure", {
      name,
      configuration,
      lambdaDir,
      ledger: foundation.ledger,
      alarmTopic: foundation.alarmTopic,
      // Some calls of 100 ms, and room for the retries of each.
      timeout: Duration.seconds(30),
    });
    new FunctionEventBus(this, "Events", {
      name,
      configuration,
      feeds: [deploymentEvents(configuration)],
      target: lambda,
      alarmTopic: foundation.alarmTopic,
    });
  }
}
