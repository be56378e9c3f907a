// Which topic an alarm can tell: CloudWatch publishes to topics of other accounts, but
// not to those of other Regions. So the operations account's serves all accounts in its
// Region, and elsewhere each account and Region has one, if anybody is to hear of it.

import type { Stack } from "aws-cdk-lib";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { AlarmTopic } from "./alarm-topic.ts";
import type { AccountRegions, Configuration } from "./configuration.ts";

export class AlarmTopics {
  private readonly elsewhere = new Map<string, ITopic>();

  constructor(
    private readonly configuration: Configuration,
    private readonly ofOperations: ITopic,
  ) {}

  /** The topic for a stack's alarms; the first stack of an account in another Region makes it. */
  reachedFrom(stack: Stack): ITopic | undefined {
    const { operations, alarmEmails } = this.configuration;
    if (stack.region === operations.region) return this.ofOperations;
    if (alarmEmails.length === 0) return undefined;
    const place = `${stack.account}/${stack.region}`;
    const topic =
      this.elsewhere.get(place) ??
      new AlarmTopic(stack, "AlarmTopic", { emails: alarmEmails, accounts: [stack.account] });
    this.elsewhere.set(place, topic);
    return topic;
  }
}

/** The accounts that have alarms in the operations Region, each once. */
export function accountsInOperationsRegion(configuration: Configuration): string[] {
  const { operations, tooling, incidents } = configuration;
  const beside = ({ regions }: AccountRegions) => regions.includes(operations.region);
  const others = [...tooling, ...incidents.accounts].filter(beside);
  return [...new Set([operations.account, ...others.map(({ account }) => account)])];
}
