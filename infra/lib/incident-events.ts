// Which of OpsCenter's events may be incidents: an OpsItem's creation, not its
// updates, and neither change requests nor insights. Severity and repository are
// not in the event, so the function decides by the OpsItem itself.

import type { Configuration } from "./configuration.ts";
import type { EventFeed } from "./event-feed.ts";

export const incidentEvents = ({ incidents }: Configuration): EventFeed => ({
  sid: "AllowRulesOfIncidentAccounts",
  accounts: incidents.accounts.map(({ account }) => account),
  source: "aws.ssm",
  events: [
    {
      id: "OpsItemCreated",
      description: "An OpsItem of type issue was created: it may be an incident",
      detailType: "OpsItem Create",
      detail: { "ops-item-type": ["/aws/issue"], status: ["Open"] },
    },
  ],
});
