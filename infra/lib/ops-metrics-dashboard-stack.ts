// The dashboard: DORA's five metrics as leaders and teams read them.

import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import { CfnDashboard } from "aws-cdk-lib/aws-cloudwatch";
import type { Construct } from "constructs";
import type { Configuration } from "./configuration.ts";
import { dashboardBody } from "./dashboard-widgets.ts";
import { DASHBOARD } from "./names.ts";

export interface OpsMetricsDashboardStackProps extends StackProps {
  readonly configuration: Configuration;
}

export class OpsMetricsDashboardStack extends Stack {
  constructor(scope: Construct, id: string, props: OpsMetricsDashboardStackProps) {
    super(scope, id, { ...props, description: "DORA metrics: the dashboard" });
    const { configuration } = props;
    new CfnDashboard(this, "Dashboard", {
      dashboardName: DASHBOARD,
      dashboardBody: JSON.stringify(dashboardBody(configuration)),
    });
    const { region } = configuration.operations;
    new CfnOutput(this, "DashboardUrl", {
      description: "Where to look at the metrics",
      value: `https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#dashboards/dashboard/${DASHBOARD}`,
    });
  }
}
