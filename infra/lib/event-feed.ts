// Which events come from which accounts. Both hops, from the account in which an
// event arises and to the function, match it alike: what would not count is
// neither paid for nor an invocation.

import type { EventPattern } from "aws-cdk-lib/aws-events";

export interface EventFeed {
  /** The statement of a bus's policy that admits it. */
  readonly sid: string;
  readonly accounts: string[];
  /** The service that all its events come from. */
  readonly source: string;
  readonly events: readonly FeedEvent[];
}

export interface FeedEvent {
  readonly id: string;
  readonly description: string;
  readonly detailType: string;
  readonly detail: Readonly<Record<string, string[]>>;
}

export const pattern = (
  { source }: EventFeed,
  { detailType, detail }: FeedEvent,
): EventPattern => ({
  source: [source],
  detailType: [detailType],
  detail,
});
