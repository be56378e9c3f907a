// CloudFormation cannot reference resources across accounts, so the tooling and
// the operations accounts find each other by the names that are fixed here.

/** The functions that measure; each has a bus and a role of its own. */
export const METRIC_FUNCTIONS = ["deployment-frequency", "lead-time"] as const;
export type MetricFunctionName = (typeof METRIC_FUNCTIONS)[number];

/** The custom bus, in the operations account, that feeds a function. */
export const busName = (name: MetricFunctionName): string => `dora-${name}`;

/** A function's execution role, which the tooling accounts trust. */
export const functionRoleName = (name: MetricFunctionName): string => `dora-${name}`;

/** The role, in each tooling account, through which the functions read CodePipeline. */
export const TOOLING_ROLE = "ToolingCrossAccountLambdaRole";

export const LEDGER_TABLE = "dora-ledger";

/** The secret that holds GitHub's token; whoever deploys puts it in by this name. */
export const GITHUB_TOKEN_SECRET = "dora-github-token";
