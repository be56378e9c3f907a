// CloudFormation cannot reference resources across accounts, so the operations
// account and the others find each other by the names that are fixed here.

/** The functions that measure; each has a bus and a role of its own. */
export const METRIC_FUNCTIONS = [
  "deployment-frequency",
  "lead-time",
  "change-failure-rate",
  "mttr",
] as const;
export type MetricFunctionName = (typeof METRIC_FUNCTIONS)[number];

/** Those that measure incidents too, and so read OpsItems. */
export const INCIDENT_FUNCTIONS = [
  "change-failure-rate",
  "mttr",
] as const satisfies readonly MetricFunctionName[];
export type IncidentFunctionName = (typeof INCIDENT_FUNCTIONS)[number];

/** The custom bus, in the operations account, that feeds a function. */
export const busName = (name: MetricFunctionName): string => `dora-${name}`;

/** A function's execution role, which the other accounts trust. */
export const functionRoleName = (name: MetricFunctionName): string => `dora-${name}`;

/** The role, in each tooling account, through which the functions read CodePipeline. */
export const TOOLING_ROLE = "ToolingCrossAccountLambdaRole";

/** The role through which the functions read OpsItems in accounts other than their own. */
export const OPSCENTER_ROLE = "DoraOpsCenterReadRole";

/** The topic of the operations account, which alarms of other accounts publish to. */
export const ALARM_TOPIC = "dora-alarms";

export const LEDGER_TABLE = "dora-ledger";

/** The secret that holds GitHub's token; whoever deploys puts it in by this name. */
export const GITHUB_TOKEN_SECRET = "dora-github-token";

/** The dashboard, in the operations account. */
export const DASHBOARD = "DORA";
