// A wrong value should be refused at synthesis, by its name, rather than by
// CloudFormation half-way through a deployment or by a function at its first event.

import { RetentionDays } from "aws-cdk-lib/aws-logs";
import { LEVELS, type DoraBands } from "./dora-bands.ts";
import { Refusal } from "./refusal.ts";
import { misshapen, type Settings, type Shape } from "./shape.ts";

export interface Configuration {
  readonly operations: { readonly account: string; readonly region: string };
  readonly tooling: readonly AccountRegions[];
  readonly defaultMainBranch: string;
  readonly appProdStageName: string;
  readonly appRepositoryNames: readonly string[];
  readonly teamByRepository: Readonly<Record<string, string>>;
  readonly githubApiUrl: string;
  readonly incidents: {
    readonly accounts: readonly AccountRegions[];
    readonly severities: readonly string[];
    readonly sources: readonly string[];
    readonly attribution: "all" | "explicit";
    readonly attributionWindowHours: number;
  };
  readonly alarmEmails: readonly string[];
  readonly noEventAlarmDays: number;
  readonly logRetentionDays: number;
  readonly archiveRetentionDays: number;
  readonly architecture: "arm64" | "x86_64";
  readonly externalId: string;
  readonly organizationId: string;
  readonly metricNamespace: string;
  readonly doraBands: DoraBands;
  readonly ledgerRetentionDays: number;
}

/** An account, and those of its Regions that count. */
export interface AccountRegions {
  readonly account: string;
  readonly regions: readonly string[];
}

const ACCOUNTS = [{ settings: { account: "text", regions: ["text"] } }] as const;
const LEVELS_OF_A_METRIC = { each: "number" } as const;

// The same as the types above, for whoever edits `config.ts` without a compiler.
const SHAPE: Settings = {
  settings: {
    operations: { settings: { account: "text", region: "text" } },
    tooling: ACCOUNTS,
    defaultMainBranch: "text",
    appProdStageName: "text",
    appRepositoryNames: ["text"],
    teamByRepository: { each: "text" },
    githubApiUrl: "text",
    incidents: {
      settings: {
        accounts: ACCOUNTS,
        severities: ["text"],
        sources: ["text"],
        attribution: "text",
        attributionWindowHours: "number",
      },
    },
    alarmEmails: ["text"],
    noEventAlarmDays: "number",
    logRetentionDays: "number",
    archiveRetentionDays: "number",
    architecture: "text",
    externalId: "text",
    organizationId: "text",
    metricNamespace: "text",
    doraBands: {
      settings: {
        year: "number",
        deploymentsPerDay: LEVELS_OF_A_METRIC,
        leadTimeHours: LEVELS_OF_A_METRIC,
        changeFailRatePercent: LEVELS_OF_A_METRIC,
        recoveryHours: LEVELS_OF_A_METRIC,
      },
    },
    ledgerRetentionDays: "number",
  } satisfies Record<keyof Configuration, Shape>,
};

interface Allowed {
  readonly pattern: RegExp;
  readonly words: string;
}

const ACCOUNT: Allowed = { pattern: /^\d{12}$/, words: "12 digits" };
const REGION: Allowed = {
  pattern: /^[a-z]{2,}(-[a-z]+)+-\d$/,
  words: "a Region such as eu-west-1",
};
const BRANCH: Allowed = { pattern: /^\S+$/, words: "a branch name such as main" };
const STAGE: Allowed = {
  pattern: /^[A-Za-z0-9.@_-]{1,100}$/,
  words: "a stage's name: 1 to 100 letters, digits or . @ _ -",
};
const REPOSITORY: Allowed = {
  pattern: /^[\w.*-]+(\/[\w.*-]+)*$/,
  words: "owner/name, with * for any characters",
};
// A team becomes the value of a CloudWatch dimension.
const TEAM: Allowed = {
  pattern: /^(?!:)(?=.*\S)[\x20-\x7e]{1,255}$/,
  words: "1 to 255 printable ASCII characters, the first not a colon",
};
// The token is sent there. `github.com` itself serves pages, not the API.
const GITHUB_API: Allowed = {
  pattern: /^https:\/\/(?!github\.com(\/|$))[\w.-]+(:\d+)?(\/[\w.~-]+)*\/?$/,
  words: "the https address of a REST API: https://api.github.com or https://HOST/api/v3",
};
const SEVERITY: Allowed = { pattern: /^[1-4]$/, words: "1, 2, 3 or 4" };
// The function gets the sources as a comma-separated list.
const SOURCE: Allowed = {
  pattern: /^(?![\s[])[^,\p{Cc}]{1,128}(?<!\s)$/u,
  words:
    "an OpsItem's source: 1 to 128 characters without a comma, not beginning with [, no space at its ends",
};
const ATTRIBUTION: Allowed = { pattern: /^(all|explicit)$/, words: "all or explicit" };
const EMAIL: Allowed = {
  pattern: /^[^\s@,<>"]{1,64}@[\w-]+(\.[\w-]+)+$/,
  words: "an e-mail address such as dora@example.com",
};
const ARCHITECTURE: Allowed = { pattern: /^(arm64|x86_64)$/, words: "arm64 or x86_64" };
const EXTERNAL_ID: Allowed = {
  pattern: /^[\w+=,.@:/-]{2,1224}$/,
  words: "2 to 1224 letters, digits or + = , . @ : / - _",
};
const ORGANIZATION: Allowed = {
  pattern: /^(o-[a-z0-9]{10,32})?$/,
  words: 'an organisation\'s id such as o-a1b2c3d4e5, or "" for none',
};
const NAMESPACE: Allowed = {
  pattern: /^(?!AWS\/|:)[\w.\-/#:]{1,255}$/,
  words: "1 to 255 letters, digits or . - _ / # :, not beginning with AWS/ or a colon",
};

/** Throws a `Refusal` that lists everything that is wrong. */
export function validate(configuration: Configuration): void {
  refuse(misshapen("", configuration, SHAPE));
  const { operations, tooling, incidents } = configuration;
  refuse([
    ...mismatch("operations.account", operations.account, ACCOUNT),
    ...mismatch("operations.region", operations.region, REGION),
    ...wrongAccounts("tooling", tooling),
    ...mismatch("defaultMainBranch", configuration.defaultMainBranch, BRANCH),
    ...mismatch("appProdStageName", configuration.appProdStageName, STAGE),
    ...configuration.appRepositoryNames.flatMap((name, i) =>
      mismatch(`appRepositoryNames[${i}]`, name, REPOSITORY),
    ),
    ...Object.entries(configuration.teamByRepository).flatMap(([repository, team]) => [
      ...mismatch("teamByRepository (a key)", repository, REPOSITORY),
      ...mismatch(`teamByRepository["${repository}"]`, team, TEAM),
    ]),
    ...mismatch("githubApiUrl", configuration.githubApiUrl, GITHUB_API),
    ...wrongAccounts("incidents.accounts", incidents.accounts),
    ...incidents.severities.flatMap((severity, i) =>
      mismatch(`incidents.severities[${i}]`, severity, SEVERITY),
    ),
    ...incidents.sources.flatMap((source, i) =>
      mismatch(`incidents.sources[${i}]`, source, SOURCE),
    ),
    ...mismatch("incidents.attribution", incidents.attribution, ATTRIBUTION),
    ...notWhole("incidents.attributionWindowHours", incidents.attributionWindowHours, {
      unit: "hours",
      from: 1,
      to: 720,
    }),
    ...configuration.alarmEmails.flatMap((email, i) => mismatch(`alarmEmails[${i}]`, email, EMAIL)),
    ...repeated("alarmEmails", "address", configuration.alarmEmails),
    // An alarm looks back for a week at most.
    ...notWhole("noEventAlarmDays", configuration.noEventAlarmDays, {
      unit: "days",
      from: 0,
      to: 7,
    }),
    ...noLogRetention("logRetentionDays", configuration.logRetentionDays),
    // A queue keeps a failed event for two weeks: the archive should not be the shorter.
    ...notWhole("archiveRetentionDays", configuration.archiveRetentionDays, {
      unit: "days",
      from: 14,
      to: 3650,
    }),
    // What the ledger has forgotten, a replay would enter anew.
    ...(configuration.archiveRetentionDays > configuration.ledgerRetentionDays
      ? [
          `archiveRetentionDays is ${configuration.archiveRetentionDays}; allowed: at most ledgerRetentionDays, which is ${configuration.ledgerRetentionDays}`,
        ]
      : []),
    ...mismatch("architecture", configuration.architecture, ARCHITECTURE),
    ...mismatch("externalId", configuration.externalId, EXTERNAL_ID),
    ...mismatch("organizationId", configuration.organizationId, ORGANIZATION),
    ...mismatch("metricNamespace", configuration.metricNamespace, NAMESPACE),
    ...wrongBands("doraBands", configuration.doraBands),
    // A record must outlive the two weeks in which CloudWatch takes its metric.
    ...notWhole("ledgerRetentionDays", configuration.ledgerRetentionDays, {
      unit: "days",
      from: 15,
      to: 3650,
    }),
  ]);
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) {
    throw new Refusal(["config.ts cannot be used:", ...problems].join("\n  - "));
  }
}

function mismatch(field: string, value: string, { pattern, words }: Allowed): string[] {
  return pattern.test(value) ? [] : [`${field} is ${JSON.stringify(value)}; allowed: ${words}`];
}

function noneOf(field: string, what: string, values: readonly unknown[]): string[] {
  return values.length > 0 ? [] : [`${field} is empty; allowed: at least one ${what}`];
}

function repeated(field: string, what: string, values: readonly string[]): string[] {
  const again = values.filter((value, i) => values.indexOf(value) < i);
  return [...new Set(again)].map(
    (value) => `${field} names ${value} more than once; allowed: each ${what} once`,
  );
}

function wrongAccounts(field: string, accounts: readonly AccountRegions[]): string[] {
  return [
    ...noneOf(field, "account", accounts),
    ...repeated(
      field,
      "account",
      accounts.map(({ account }) => account),
    ),
    ...accounts.flatMap(({ account, regions }, i) => [
      ...mismatch(`${field}[${i}].account`, account, ACCOUNT),
      ...noneOf(`${field}[${i}].regions`, "Region", regions),
      ...repeated(`${field}[${i}].regions`, "Region", regions),
      ...regions.flatMap((region, j) => mismatch(`${field}[${i}].regions[${j}]`, region, REGION)),
    ]),
  ];
}

function wrongBands(field: string, { year, ...bands }: DoraBands): string[] {
  return [
    ...notWhole(`${field}.year`, year, { unit: "years", from: 2014, to: 2100 }),
    ...Object.entries(bands).flatMap(([metric, levels]) =>
      Object.entries(levels as Record<string, number>).flatMap(([level, value]) => [
        ...notOneOf(`${field}.${metric} (a level)`, level, LEVELS),
        ...notPositive(`${field}.${metric}.${level}`, value),
      ]),
    ),
  ];
}

function notOneOf(field: string, value: string, allowed: readonly string[]): string[] {
  return allowed.includes(value)
    ? []
    : [`${field} is ${JSON.stringify(value)}; allowed: ${allowed.join(", ")}`];
}

function notPositive(field: string, value: number): string[] {
  return Number.isFinite(value) && value > 0
    ? []
    : [`${field} is ${value}; allowed: a number above 0`];
}

/** CloudWatch's own periods; the last of its enumeration stands for ever. */
function noLogRetention(field: string, days: number): string[] {
  const periods = Object.values(RetentionDays)
    .filter((each) => typeof each === "number" && each !== RetentionDays.INFINITE)
    .map(Number);
  return periods.includes(days)
    ? []
    : [`${field} is ${days}; allowed: one of ${periods.join(", ")} (days)`];
}

interface WholeNumbers {
  readonly unit: string;
  readonly from: number;
  readonly to: number;
}

function notWhole(field: string, value: number, { unit, from, to }: WholeNumbers): string[] {
  return Number.isInteger(value) && value >= from && value <= to
    ? []
    : [`${field} is ${value}; allowed: a whole number of ${unit} from ${from} to ${to}`];
}
