// The one file to edit before a deployment: whose pipelines are measured, and
// what counts as production there. `npx cdk synth` names any value it refuses.

import type { Configuration } from "./lib/configuration.ts";

export const configuration: Configuration = {
  // Where the functions, the ledger and the metrics live.
  operations: { account: "444455556666", region: "eu-west-1" },

  // Where the pipelines run: each account, and its Regions that have pipelines.
  tooling: [{ account: "111122223333", regions: ["eu-west-1"] }],

  // GitFlow: a pipeline that succeeds on this branch has deployed to production.
  defaultMainBranch: "main",

  // Trunk-based development: these repositories (exact names, or globs such as
  // "acme/*") have deployed to production once this stage succeeds.
  appProdStageName: "DeployPROD",
  appRepositoryNames: ["acme/payments"],

  // The `Team` dimension: repository (or glob) to team. A repository that is
  // not listed has metrics of its own, but counts for no team.
  teamByRepository: {
    "acme/web": "Storefront",
    "acme/payments": "Payments",
  },

  // GitHub's REST API, which knows the commits of a deployment. Of an Enterprise
  // Server it is https://HOST/api/v3. Its token is set after the deployment.
  githubApiUrl: "https://api.github.com",

  incidents: {
    // Where OpsCenter records incidents: each account, which may be this one, a
    // tooling or another account, and its Regions.
    accounts: [{ account: "444455556666", regions: ["eu-west-1"] }],

    // Which OpsItems are incidents: of these severities ("1", critical, to "4") and
    // these sources, or of all where a list is empty.
    severities: [],
    sources: [],

    // An OpsItem that names no deployment, commit or repository is attributed to
    // the latest deployment of any ("all"), or to none ("explicit").
    attribution: "all",

    // How long before an OpsItem the deployment that caused it may be.
    attributionWindowHours: 24,
  },

  // The CloudWatch namespace of the metrics.
  metricNamespace: "DORA",

  // DORA's performance levels, drawn across the dashboard's graphs as lines that name
  // the year. These are of the Accelerate State of DevOps Report 2024, table of
  // software delivery performance levels: what a level needs at least (deployments),
  // at most (hours), or what is typical of it (percent). What is left out has no line:
  // here medium's and low's lead time, up to a month and up to six, and low's recovery,
  // up to a month, beside which everything else would look flat.
  doraBands: {
    year: 2024,
    deploymentsPerDay: { elite: 1, high: 1 / 7, medium: 1 / 30 },
    leadTimeHours: { elite: 24, high: 7 * 24 },
    changeFailRatePercent: { elite: 5, high: 20, medium: 10, low: 40 },
    recoveryHours: { elite: 1, high: 24, medium: 24 },
  },

  // How long the ledger can answer which deployments made up a number.
  ledgerRetentionDays: 400,
};
