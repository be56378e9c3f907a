// All the stacks of one organisation: the operations account's, and one for
// each tooling account and Region.

import { Tags, type App } from "aws-cdk-lib";
import { validate, type Configuration } from "./configuration.ts";
import { OpsDeploymentFrequencyStack } from "./ops-deployment-frequency-stack.ts";
import { OpsFoundationStack } from "./ops-foundation-stack.ts";
import { ToolingEventBridgeStack } from "./tooling-event-bridge-stack.ts";

export function organisation(app: App, configuration: Configuration, lambdaDir: string): void {
  validate(configuration);
  Tags.of(app).add("application", "dora-lambda");

  const env = configuration.operations;
  const foundation = new OpsFoundationStack(app, "DoraOpsFoundationStack", { env });
  const deploymentFrequency = new OpsDeploymentFrequencyStack(
    app,
    "DoraOpsDeploymentFrequencyStack",
    { env, configuration, foundation, lambdaDir },
  );

  const places = configuration.tooling.flatMap((tooling) =>
    tooling.regions.map((region) => ({ tooling, region })),
  );
  for (const { tooling, region } of places) {
    const { account } = tooling;
    const suffix = places.length > 1 ? `-${account}-${region}` : "";
    const stack = new ToolingEventBridgeStack(app, `DoraToolingEventBridgeStack${suffix}`, {
      env: { account, region },
      configuration,
      tooling,
    });
    // Events are forwarded only once there is a bus to receive them.
    stack.addStackDependency(deploymentFrequency);
  }
}
