// All the stacks of one organisation: the operations account's, and one for
// each tooling account and Region.

import { Tags, type App } from "aws-cdk-lib";
import { validate, type Configuration } from "./configuration.ts";
import { OpsDeploymentFrequencyStack } from "./ops-deployment-frequency-stack.ts";
import { OpsFoundationStack } from "./ops-foundation-stack.ts";
import { OpsGitHubLogsStack } from "./ops-github-logs-stack.ts";
import { OpsLeadTimeForChangeStack } from "./ops-lead-time-for-change-stack.ts";
import { ToolingEventBridgeStack } from "./tooling-event-bridge-stack.ts";

export function organisation(app: App, configuration: Configuration, lambdaDir: string): void {
  validate(configuration);
  Tags.of(app).add("application", "dora-lambda");

  const env = configuration.operations;
  const foundation = new OpsFoundationStack(app, "DoraOpsFoundationStack", { env });
  const gitHub = new OpsGitHubLogsStack(app, "DoraOpsGitHubLogsStack", { env });
  const metricProps = { env, configuration, foundation, lambdaDir };
  const metrics = [
    new OpsDeploymentFrequencyStack(app, "DoraOpsDeploymentFrequencyStack", metricProps),
    new OpsLeadTimeForChangeStack(app, "DoraOpsLeadTimeForChangeStack", { ...metricProps, gitHub }),
  ];

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
    // Events are forwarded only once there are buses to receive them.
    for (const metric of metrics) stack.addStackDependency(metric);
  }
}
