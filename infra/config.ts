// The one file to edit before a deployment: whose pipelines are measured, and
// what counts as production there. `make synth` names any value it refuses.

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

  // Who gets the alarms by e-mail. Each address gets a message from SNS, and has to
  // confirm the subscription. The operations account's topic takes the alarms of all
  // accounts in its Region; each account has one of its own in each other Region. With []
  // nobody hears of alarms in other Regions; those of this Region go to the topic
  // all the same, for whoever subscribes to it.
  alarmEmails: [],

  // After how many days without any event a function's alarm sounds: 1 to 7, or 0 for
  // never, where nobody deploys for a week.
  noEventAlarmDays: 7,

  // How long the functions' logs are kept, in days: one of CloudWatch's own periods,
  // such as 30, 90 or 365.
  logRetentionDays: 90,

  // How long each bus keeps its events to replay them. Longer than two weeks serves
  // the ledger alone: CloudWatch takes nothing older.
  archiveRetentionDays: 30,

  // The functions' processors: "arm64" (Graviton, cheaper) or "x86_64". `make build`
  // and `make deploy-functions` go by it too.
  architecture: "x86_64",

  // What the functions show when they assume the roles in other accounts, which trust
  // nobody without it. Choose any: it is no secret, but tells your deployment from others.
  externalId: "acme-dora-metrics",

  // Your organisation in AWS Organizations, such as "o-a1b2c3d4e5": then buses and
  // roles also refuse any account outside it. "" if there is none.
  organizationId: "",

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
