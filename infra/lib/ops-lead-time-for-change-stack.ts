// Lead time for changes: the function that publishes `LeadTimeForChanges` and
// `CommitLeadTime`, and the bus that feeds it.

import { Duration, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { deploymentEvents } from "./deployment-events.ts";
import { FunctionEventBus } from "./function-event-bus.ts";
import { MetricFunction, type MetricStackProps } from "./metric-function.ts";
import type { OpsGitHubLogsStack } from "./ops-github-logs-stack.ts";

export interface OpsLeadTimeForChangeStackProps extends MetricStackProps {
  readonly gitHub: OpsGitHubLogsStack;
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
      configuration,
      feeds: [deploymentEvents(configuration)],
      target: lambda,
      alarmTopic: foundation.alarmTopic,
    });
  }
}
