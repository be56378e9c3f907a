import { describe, expect, it, test } from "vitest";
import { configuration } from "../config.ts";
import { configuration as stage } from "../stage.config.ts";
import { validate, type Configuration } from "../lib/configuration.ts";
import { example, OPERATIONS } from "./example.ts";

const incidents = (change: Partial<Configuration["incidents"]>): Partial<Configuration> => ({
  incidents: { ...example.incidents, ...change },
});
const bands = (change: Partial<Configuration["doraBands"]>): Partial<Configuration> => ({
  doraBands: { ...example.doraBands, ...change },
});
const refused = (change: Partial<Configuration>) => () => validate({ ...example, ...change });

describe("configuration", () => {
  it("is accepted as it comes with the repository", () => {
    expect(() => validate(configuration)).not.toThrow();
  });

  it.each([
    ["a misspelt setting", { defaultMainBranch: undefined, mainBranch: "master" }, [
      "mainBranch is no setting; allowed: operations, tooling, defaultMainBranch",
      "defaultMainBranch is missing",
    ]],
    ["text for a list", { appRepositoryNames: "acme/payments" }, [
      'appRepositoryNames is "acme/payments"; allowed: a list',
    ]],
    ["text for a list inside a list", { tooling: [{ account: OPERATIONS, regions: "eu-west-1" }] }, [
      'tooling[0].regions is "eu-west-1"; allowed: a list',
    ]],
    ["text for a number", { ledgerRetentionDays: "400" }, [
      'ledgerRetentionDays is "400"; allowed: a number',
    ]],
    ["a number for text", { externalId: 12 }, ["externalId is 12; allowed: text"]],
    ["a list for a table", { teamByRepository: [] }, ["teamByRepository is []; allowed: a table"]],
    ["a number for a team", { teamByRepository: { "acme/web": 1 } }, [
      'teamByRepository["acme/web"] is 1; allowed: text',
    ]],
    ["a misspelt setting of incidents", { incidents: { ...example.incidents, severity: [] } }, [
      "incidents.severity is no setting",
    ]],
  ])("names %s", (_, change, words) => {
    const validating = refused(change as unknown as Partial<Configuration>);
    for (const each of words) expect(validating).toThrow(each);
  });

  it("of the local stage is accepted", () => {
    expect(() => validate(stage)).not.toThrow();
  });

  it("may leave trunk-based development and teams out", () => {
    expect(refused({ appRepositoryNames: [], teamByRepository: {} })).not.toThrow();
  });

  it.each([
    "https://api.github.com",
    "https://api.github.com/",
    "https://api.acme.ghe.com",
    "https://github.company.com:8443/api/v3",
  ])("takes %s for GitHub's API", (githubApiUrl) => {
    expect(refused({ githubApiUrl })).not.toThrow();
  });

  it.each([
    "",
    "api.github.com",
    "http://api.github.com",
    "https://github.com",
    "https://github.com/acme/web",
    "https://token@api.github.com",
    "https://api.github.com?access_token=1",
    "https://api.github.com#v3",
    " https://api.github.com",
    "https://api.github.com\n",
  ])("refuses %j for GitHub's API", (githubApiUrl) => {
    expect(refused({ githubApiUrl })).toThrow(
      `githubApiUrl is ${JSON.stringify(githubApiUrl)}; allowed: the https address of a REST API`,
    );
  });

  it.each<Partial<Configuration>>([
    { alarmEmails: [] },
    { alarmEmails: ["dora+alarms@ops.example.co.uk", "on-call@example.com"] },
    { noEventAlarmDays: 0 },
    { logRetentionDays: 3653 },
    { archiveRetentionDays: 400 },
    { architecture: "arm64" },
    { organizationId: "o-a1b2c3d4e5" },
    { externalId: "a-Z_0/9+=,.@:" },
    { externalId: "x".repeat(1224) },
  ])("takes %j", (change) => {
    expect(refused(change)).not.toThrow();
  });

  it("takes all OpsItems for incidents where severities and sources are empty", () => {
    expect(refused(incidents({ severities: [], sources: [] }))).not.toThrow();
  });

  it.each([[1], [720]])("looks back for %d hours", (attributionWindowHours) => {
    expect(refused(incidents({ attributionWindowHours }))).not.toThrow();
  });

  it.each(["EC2", "CloudWatch Alarm", "Störung", "x".repeat(128)])(
    "takes %s for an OpsItem's source",
    (source) => {
      expect(refused(incidents({ sources: [source] }))).not.toThrow();
    },
  );

  it.each(["", " ", "pager,phone", '["pager"]', " pager", "pager ", "a\nb", "x".repeat(129)])(
    "refuses %j for an OpsItem's source",
    (source) => {
      expect(refused(incidents({ sources: ["EC2", source] }))).toThrow(
        `incidents.sources[1] is ${JSON.stringify(source)}; allowed: an OpsItem's source`,
      );
    },
  );

  test.each<[string, Partial<Configuration>, string]>([
    [
      "an account that is no account id",
      { operations: { account: "4444-5555", region: "eu-west-1" } },
      'operations.account is "4444-5555"; allowed: 12 digits',
    ],
    [
      "a Region that is an Availability Zone",
      { operations: { account: "444455556666", region: "eu-west-1a" } },
      'operations.region is "eu-west-1a"; allowed: a Region such as eu-west-1',
    ],
    ["no tooling account", { tooling: [] }, "tooling is empty; allowed: at least one account"],
    [
      "a tooling account without a Region",
      { tooling: [{ account: "111122223333", regions: [] }] },
      "tooling[0].regions is empty; allowed: at least one Region",
    ],
    [
      "a wrong tooling account",
      { tooling: [{ account: "tooling", regions: ["eu-west-1"] }] },
      'tooling[0].account is "tooling"; allowed: 12 digits',
    ],
    [
      "a wrong tooling Region",
      { tooling: [{ account: "111122223333", regions: ["eu-west-1", "Ireland"] }] },
      'tooling[0].regions[1] is "Ireland"; allowed: a Region such as eu-west-1',
    ],
    [
      "a Region twice",
      { tooling: [{ account: "111122223333", regions: ["eu-west-1", "eu-west-1"] }] },
      "tooling[0].regions names eu-west-1 more than once; allowed: each Region once",
    ],
    [
      "an account twice",
      { tooling: [...example.tooling, ...example.tooling] },
      "tooling names 111122223333 more than once; allowed: each account once",
    ],
    [
      "an empty branch",
      { defaultMainBranch: "" },
      'defaultMainBranch is ""; allowed: a branch name such as main',
    ],
    [
      "a stage that CodePipeline cannot have",
      { appProdStageName: "Deploy to production" },
      'appProdStageName is "Deploy to production"; allowed: a stage\'s name',
    ],
    [
      "two repositories in one string",
      { appRepositoryNames: ["acme/web", "acme/a,acme/b"] },
      'appRepositoryNames[1] is "acme/a,acme/b"; allowed: owner/name',
    ],
    [
      "a team for no repository",
      { teamByRepository: { "": "Payments" } },
      'teamByRepository (a key) is ""; allowed: owner/name',
    ],
    [
      "a team that CloudWatch refuses as a dimension",
      { teamByRepository: { "acme/web": "Größe" } },
      'teamByRepository["acme/web"] is "Größe"; allowed: 1 to 255 printable ASCII characters',
    ],
    [
      "no account with incidents",
      incidents({ accounts: [] }),
      "incidents.accounts is empty; allowed: at least one account",
    ],
    [
      "a wrong account with incidents",
      incidents({ accounts: [{ account: "1234", regions: ["eu-west-1"] }] }),
      'incidents.accounts[0].account is "1234"; allowed: 12 digits',
    ],
    [
      "an account with incidents twice",
      incidents({ accounts: [...example.incidents.accounts, ...example.incidents.accounts] }),
      "incidents.accounts names 444455556666 more than once; allowed: each account once",
    ],
    [
      "an account with incidents in no Region",
      incidents({ accounts: [{ account: OPERATIONS, regions: [] }] }),
      "incidents.accounts[0].regions is empty; allowed: at least one Region",
    ],
    [
      "a wrong Region with incidents",
      incidents({ accounts: [{ account: OPERATIONS, regions: ["eu-west-1", "Ireland"] }] }),
      'incidents.accounts[0].regions[1] is "Ireland"; allowed: a Region such as eu-west-1',
    ],
    [
      "a severity in words",
      incidents({ severities: ["1", "high"] }),
      'incidents.severities[1] is "high"; allowed: 1, 2, 3 or 4',
    ],
    [
      "an attribution of its own kind",
      incidents({ attribution: "latest" as "all" }),
      'incidents.attribution is "latest"; allowed: all or explicit',
    ],
    [
      "to look back for no time",
      incidents({ attributionWindowHours: 0 }),
      "incidents.attributionWindowHours is 0; allowed: a whole number of hours from 1 to 720",
    ],
    [
      "to look back for more than 30 days",
      incidents({ attributionWindowHours: 721 }),
      "incidents.attributionWindowHours is 721; allowed: a whole number of hours from 1 to 720",
    ],
    [
      "to look back for half an hour",
      incidents({ attributionWindowHours: 0.5 }),
      "incidents.attributionWindowHours is 0.5; allowed: a whole number of hours from 1 to 720",
    ],
    [
      "an address without a domain",
      { alarmEmails: ["dora@example.com", "dora"] },
      'alarmEmails[1] is "dora"; allowed: an e-mail address such as dora@example.com',
    ],
    [
      "an address twice",
      { alarmEmails: ["dora@example.com", "dora@example.com"] },
      "alarmEmails names dora@example.com more than once; allowed: each address once",
    ],
    [
      "an alarm that looks back for more than a week",
      { noEventAlarmDays: 8 },
      "noEventAlarmDays is 8; allowed: a whole number of days from 0 to 7",
    ],
    [
      "a period for which CloudWatch keeps no logs",
      { logRetentionDays: 100 },
      "logRetentionDays is 100; allowed: one of 1, 3, 5, 7, 14, 30, 60, 90, 120",
    ],
    [
      "an archive that is gone before a failed event",
      { archiveRetentionDays: 13 },
      "archiveRetentionDays is 13; allowed: a whole number of days from 14 to 3650",
    ],
    [
      "an archive that the ledger does not remember",
      { archiveRetentionDays: 401 },
      "archiveRetentionDays is 401; allowed: at most ledgerRetentionDays, which is 400",
    ],
    [
      "a processor that Lambda does not have",
      { architecture: "riscv64" as "arm64" },
      'architecture is "riscv64"; allowed: arm64 or x86_64',
    ],
    [
      "no external id",
      { externalId: "" },
      'externalId is ""; allowed: 2 to 1224 letters, digits or + = , . @ : / - _',
    ],
    ["an external id of one character", { externalId: "x" }, 'externalId is "x"; allowed: 2 to'],
    ["an external id too long", { externalId: "x".repeat(1225) }, 'xx"; allowed: 2 to 1224'],
    ["an external id with a space", { externalId: "two words" }, 'externalId is "two words"'],
    [
      "an organisation that is an account",
      { organizationId: "444455556666" },
      'organizationId is "444455556666"; allowed: an organisation\'s id such as o-a1b2c3d4e5',
    ],
    [
      "a namespace that is AWS's own",
      { metricNamespace: "AWS/Lambda" },
      'metricNamespace is "AWS/Lambda"; allowed: 1 to 255 letters',
    ],
    [
      "a study of a year before there were any",
      bands({ year: 2013 }),
      "doraBands.year is 2013; allowed: a whole number of years from 2014 to 2100",
    ],
    [
      "a level that DORA does not know",
      bands({ leadTimeHours: { best: 1 } as object }),
      'doraBands.leadTimeHours (a level) is "best"; allowed: elite, high, medium, low',
    ],
    [
      "a level at nothing",
      bands({ recoveryHours: { elite: 0 } }),
      "doraBands.recoveryHours.elite is 0; allowed: a number above 0",
    ],
    [
      "a retention in which an event could be counted twice",
      { ledgerRetentionDays: 14 },
      "ledgerRetentionDays is 14; allowed: a whole number of days from 15 to 3650",
    ],
    [
      "a retention of no whole number of days",
      { ledgerRetentionDays: 30.5 },
      "ledgerRetentionDays is 30.5; allowed: a whole number of days from 15 to 3650",
    ],
  ])("refuses %s", (_, change, message) => {
    expect(refused(change)).toThrow(message);
  });

  it("names everything that is wrong at once", () => {
    expect(refused({ defaultMainBranch: "", metricNamespace: "" })).toThrow(
      /^config\.ts cannot be used:\n  - defaultMainBranch .*\n  - metricNamespace .*$/,
    );
  });
});
