// Which of CodePipeline's events may be production deployments. Both hops, from
// the tooling account and to the function, match them alike: what would not
// count is neither paid for nor an invocation.

import type { EventPattern } from "aws-cdk-lib/aws-events";
import type { Configuration } from "./configuration.ts";

export const SOURCE = "aws.codepipeline";

export interface DeploymentEvent {
  readonly id: string;
  readonly description: string;
  readonly detailType: string;
  readonly detail: Readonly<Record<string, string[]>>;
}

export function deploymentEvents(configuration: Configuration): DeploymentEvent[] {
  const pipelineSucceeded: DeploymentEvent = {
    id: "PipelineSucceeded",
    description: "A pipeline succeeded: a production deployment under GitFlow",
    detailType: "CodePipeline Pipeline Execution State Change",
    detail: { state: ["SUCCEEDED"] },
  };
  const productionStageSucceeded: DeploymentEvent = {
    id: "ProductionStageSucceeded",
    description: "The production stage succeeded: a deployment under trunk-based development",
    detailType: "CodePipeline Stage Execution State Change",
    detail: { stage: [configuration.appProdStageName], state: ["SUCCEEDED"] },
  };
  return configuration.appRepositoryNames.length > 0
    ? [pipelineSucceeded, productionStageSucceeded]
    : [pipelineSucceeded];
}

export const pattern = ({ detailType, detail }: DeploymentEvent): EventPattern => ({
  source: [SOURCE],
  detailType: [detailType],
  detail,
});
