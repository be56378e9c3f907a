// Which of CodePipeline's events may be production deployments, rollbacks among
// them: no field of an event tells those apart.

import type { Configuration } from "./configuration.ts";
import type { EventFeed, FeedEvent } from "./event-feed.ts";

export const deploymentEvents = (configuration: Configuration): EventFeed => ({
  sid: "AllowRulesOfToolingAccounts",
  accounts: configuration.tooling.map(({ account }) => account),
  source: "aws.codepipeline",
  events: events(configuration),
});

function events(configuration: Configuration): FeedEvent[] {
  const pipelineSucceeded: FeedEvent = {
    id: "PipelineSucceeded",
    description: "A pipeline succeeded: a production deployment under GitFlow",
    detailType: "CodePipeline Pipeline Execution State Change",
    detail: { state: ["SUCCEEDED"] },
  };
  const productionStageSucceeded: FeedEvent = {
    id: "ProductionStageSucceeded",
    description: "The production stage succeeded: a deployment under trunk-based development",
    detailType: "CodePipeline Stage Execution State Change",
    detail: { stage: [configuration.appProdStageName], state: ["SUCCEEDED"] },
  };
  return configuration.appRepositoryNames.length > 0
    ? [pipelineSucceeded, productionStageSucceeded]
    : [pipelineSucceeded];
}
