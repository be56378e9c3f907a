// The organisation that the local stage deploys, which `events/README.md` assumes: not
// `config.ts`, which users edit. Two tooling accounts in two Regions, since a scenario has
// pipelines in both, and an account of an application that records incidents of its own.

import type { Configuration } from "./lib/configuration.ts";

export const configuration: Configuration = {
  operations: { account: "444455556666", region: "eu-west-1" },
  tooling: [
    { account: "111122223333", regions: ["eu-west-1"] },
    { account: "777788889999", regions: ["ap-southeast-1"] },
  ],
  defaultMainBranch: "main",
  appProdStageName: "DeployPROD",
  appRepositoryNames: ["acme/payments"],
  teamByRepository: {
    "acme/web": "Storefront",
    "acme/payments": "Payments",
  },
  githubApiUrl: "https://api.github.com",
  incidents: {
    accounts: [
      { account: "444455556666", regions: ["eu-west-1"] },
      { account: "555566667777", regions: ["eu-west-1"] },
    ],
    severities: [],
    sources: [],
    attribution: "all",
    attributionWindowHours: 24,
  },
  alarmEmails: [],
  noEventAlarmDays: 7,
  logRetentionDays: 90,
  archiveRetentionDays: 30,
  architecture: "x86_64",
  externalId: "acme-dora-metrics",
  organizationId: "",
  metricNamespace: "DORA",
  doraBands: {
    year: 2024,
    deploymentsPerDay: { elite: 1, high: 1 / 7, medium: 1 / 30 },
    leadTimeHours: { elite: 24, high: 7 * 24 },
    changeFailRatePercent: { elite: 5, high: 20, medium: 10, low: 40 },
    recoveryHours: { elite: 1, high: 24, medium: 24 },
  },
  ledgerRetentionDays: 400,
};
