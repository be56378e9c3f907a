// Deployment frequency, DORA's first metric: the function that publishes
// `Deployments`, and the bus that feeds it.

import { Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { Configuration } from "./configuration.ts";
import { DeploymentEventBus } from "./deployment-event-bus.ts";
import { MetricFunction } from "./metric-function.ts";
import type { OpsFoundationStack } from "./ops-foundation-stack.ts";

export interface OpsDeploymentFrequencyStackProps extends StackProps {
  readonly configuration: Configuration;
  readonly foundation: OpsFoundationStack;
  readonly lambdaDir: string;
}

export class OpsDeploymentFrequencyStack extends Stack {
  constructor(scope: Construct, id: string, props: OpsDeploymentFrequencyStackProps) {
    super(scope, id, { ...props, description: "DORA metrics: deployment frequency" });
    const { configuration, foundation, lambdaDir } = props;
    const name = "deployment-frequency";
    const { lambda } = new MetricFunction(this, "Measure", {
      name,
      configuration,
      lambdaDir,
      ledger: foundation.ledger,
      alarmTopic: foundation.alarmTopic,
      environment: {
        DEFAULT_MAIN_BRANCH: configuration.defaultMainBranch,
        APP_PROD_STAGE_NAME: configuration.appProdStageName,
        APP_REPOSITORY_NAMES: configuration.appRepositoryNames.join(","),
        TEAM_BY_REPOSITORY: JSON.stringify(configuration.teamByRepository),
      },
    });
    new DeploymentEventBus(this, "Events", {
      name,
      configuration,
      target: lambda,
      alarmTopic: foundation.alarmTopic,
    });
  }
}
