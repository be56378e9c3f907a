// All the stacks of one organisation: the operations account's, one for each
// tooling account and Region, and one for each in which incidents are recorded.

import { Tags, type App } from "aws-cdk-lib";
import { AlarmTopics } from "./alarm-topics.ts";
import { validate, type Configuration } from "./configuration.ts";
import { OpsCenterStack } from "./opscenter-stack.ts";
import { OpsChangeFailureRateStack } from "./ops-change-failure-rate-stack.ts";
import { OpsDeploymentFrequencyStack } from "./ops-deployment-frequency-stack.ts";
import { OpsFoundationStack } from "./ops-foundation-stack.ts";
import { OpsGitHubLogsStack } from "./ops-github-logs-stack.ts";
import { OpsLeadTimeForChangeStack } from "./ops-lead-time-for-change-stack.ts";
import { OpsMeanTimeToRestoreStack } from "./ops-mean-time-to-restore-stack.ts";
import { OpsMetricsDashboardStack } from "./ops-metrics-dashboard-stack.ts";
import { ToolingEventBridgeStack } from "./tooling-event-bridge-stack.ts";

export function organisation(app: App, configuration: Configuration, lambdaDir: string): void {
  validate(configuration);
  Tags.of(app).add("application", "dora-lambda");

  const env = configuration.operations;
  const foundation = new OpsFoundationStack(app, "DoraOpsFoundationStack", { env, configuration });
  const gitHub = new OpsGitHubLogsStack(app, "DoraOpsGitHubLogsStack", { env });
  const metricProps = { env, configuration, foundation, lambdaDir };
  const metrics = [
    new OpsDeploymentFrequencyStack(app, "DoraOpsDeploymentFrequencyStack", metricProps),
    new OpsLeadTimeForChangeStack(app, "DoraOpsLeadTimeForChangeStack", { ...metricProps, gitHub }),
    new OpsChangeFailureRateStack(app, "DoraOpsChangeFailureRateStack", metricProps),
    new OpsMeanTimeToRestoreStack(app, "DoraOpsMeanTimeToRestoreStack", { ...metricProps, gitHub }),
  ];

  new OpsMetricsDashboardStack(app, "DoraOpsMetricsDashboardStack", { env, configuration });

  const alarmTopics = new AlarmTopics(configuration, foundation.alarmTopic);
  const places = configuration.tooling.flatMap((tooling) =>
    tooling.regions.map((region) => ({ tooling, region })),
  );
  const toolingStacks = places.map(({ tooling, region }) => {
    const { account } = tooling;
    const suffix = places.length > 1 ? `-${account}-${region}` : "";
    return new ToolingEventBridgeStack(app, `DoraToolingEventBridgeStack${suffix}`, {
      env: { account, region },
      configuration,
      tooling,
      alarmTopics,
    });
  });
  const opsCenterStacks = configuration.incidents.accounts.flatMap((recording) =>
    recording.regions.map((region) => {
      const { account } = recording;
      return new OpsCenterStack(app, opsCenterStackName(configuration, account, region), {
        env: { account, region },
        configuration,
        recording,
        alarmTopics,
      });
    }),
  );
  // Events are forwarded only once there are buses to receive them.
  for (const stack of [...toolingStacks, ...opsCenterStacks]) {
    for (const metric of metrics) stack.addStackDependency(metric);
  }
}

function opsCenterStackName(
  { operations }: Configuration,
  account: string,
  region: string,
): string {
  if (account !== operations.account) return `DoraApplicationOpsCenterStack-${account}-${region}`;
  return region === operations.region ? "DoraOpsIncidentsStack" : `DoraOpsIncidentsStack-${region}`;
}
