// The part of an account in which incidents are recorded, in each of its Regions:
// it forwards the OpsItems that may be incidents to the functions that measure
// them, and lets these, and nobody else, read OpsItems.

import { Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { AlarmTopics } from "./alarm-topics.ts";
import type { AccountRegions, Configuration } from "./configuration.ts";
import { CrossAccountReadRole } from "./cross-account-read-role.ts";
import { EventForwarding } from "./event-forwarding.ts";
import { incidentEvents } from "./incident-events.ts";
import { INCIDENT_FUNCTIONS, OPSCENTER_ROLE } from "./names.ts";
import { opsItems, READ_OPS_ITEM } from "./ops-items.ts";

export interface OpsCenterStackProps extends StackProps {
  readonly configuration: Configuration;
  readonly recording: AccountRegions;
  readonly alarmTopics: AlarmTopics;
}

export class OpsCenterStack extends Stack {
  constructor(scope: Construct, id: string, props: OpsCenterStackProps) {
    super(scope, id, {
      ...props,
      description: "DORA metrics: forwards OpsCenter's events to the functions",
    });
    const { configuration, recording, alarmTopics } = props;
    new EventForwarding(this, "Forwarding", {
      configuration,
      feed: incidentEvents(configuration),
      functions: INCIDENT_FUNCTIONS,
      alarmTopics,
    });
    // In their own account the functions read as themselves. IAM is global to an
    // account: the first Region's stack makes the role for all.
    if (
      recording.account !== configuration.operations.account &&
      this.region === recording.regions[0]
    ) {
      new CrossAccountReadRole(this, "ReadRole", {
        roleName: OPSCENTER_ROLE,
        description: "Lets the functions of the DORA metrics read OpsItems",
        configuration,
        functions: INCIDENT_FUNCTIONS,
        actions: READ_OPS_ITEM,
        resources: recording.regions.map((region) => opsItems(this, recording.account, region)),
        reason: "Every OpsItem of the account may be an incident; the actions only read.",
      });
    }
  }
}
