// Lead time for changes: the function that publishes `LeadTimeForChanges` and
// `CommitLeadTime`, and the bus that feeds it.

import { Duration, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { Configuration } from "./configuration.ts";
import { deploymentEvents } from "./deployment-events.ts";
import { FunctionEventBus } from "./function-event-bus.ts";
import { MetricFunction } from "./metric-function.ts";
import type { OpsFoundationStack } from "./ops-foundation-stack.ts";
import type { OpsGitHubLogsStack } from "./ops-github-logs-stack.ts";

export interface OpsLeadTimeForChangeStackProps extends StackProps {
  readonly configuration: Configuration;
  readonly foundation: OpsFoundationStack;
  readonly gitHub: OpsGitHubLogsStack;
  readonly lambdaDir: string;
}

export class OpsLeadTimeForChangeStack extends Stack {
  constructor(scope: Construct, id: string, props: OpsLeadTimeForChangeStackProps) {
    super(scope, id, { ...props, description: "DORA metrics: lead time for changes" });
    const { configuration, foundation, gitHub, lambdaDir } = props;
    const name = "lead-time";
    const { lambda } = new MetricFunction(this, "Measure", {
      name,
      configuration,
      lambdaDir,
      ledger: foundation.ledger,
      alarmTopic: foundation.alarmTopic,
      // Where GitHub limits requests, it asks for a pause of a minute, which is
      // waited for within the invocation; and a large change has many pages. Three
      // minutes would be too much: by then Lambda has tried a copy of the event for
      // the last time, and a claim in the ledger may last as long as this.
      timeout: Duration.minutes(2),
      gitHubToken: gitHub.token,
    });
    new FunctionEventBus(this, "Events", {
      name,
      feeds: [deploymentEvents(configuration)],
      target: lambda,
      alarmTopic: foundation.alarmTopic,
    });
  }
}
