import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import type { Configuration } from "../lib/configuration.ts";
import { INCIDENT_FUNCTIONS, METRIC_FUNCTIONS, type MetricFunctionName } from "../lib/names.ts";
import { example, OPERATIONS, STACKS, synthesise, template, TOOLING } from "./example.ts";

const imported = (stack: string) => ({ "Fn::ImportValue": Match.stringLikeRegexp(`^${stack}:`) });
const ledger = imported("DoraOpsFoundationStack");
const token = imported("DoraOpsGitHubLogsStack");

const gitHubSettings = {
  GITHUB_API_URL: "https://api.github.com",
  GITHUB_TOKEN_SECRET_ID: token,
};
const incidentSettings = {
  INCIDENT_ACCOUNTS: "444455556666/eu-west-1,222233334444/eu-west-1",
  INCIDENT_SEVERITIES: "1,2",
  INCIDENT_SOURCES: "pager,CloudWatch Alarm",
  ATTRIBUTION: "explicit",
  ATTRIBUTION_WINDOW_HOURS: "48",
  OPSCENTER_ROLE: "DoraOpsCenterReadRole",
};

const allow = (Action: string | string[], Resource: unknown) => ({
  Effect: "Allow",
  Action,
  Resource,
});
const toolingRole = "arn:aws:iam::111122223333:role/ToolingCrossAccountLambdaRole";
const readOwnOpsItems = allow(
  ["ssm:GetOpsItem", "ssm:ListTagsForResource"],
  "arn:aws:ssm:eu-west-1:444455556666:opsitem/*",
);

/** In what a function differs from the others. */
interface Own {
  readonly timeout: number;
  readonly settings: Readonly<Record<string, unknown>>;
}

const OWN: Readonly<Record<MetricFunctionName, Own>> = {
  "deployment-frequency": {
    timeout: 30,
    settings: {},
  },
  "lead-time": {
    timeout: 120,
    settings: gitHubSettings,
  },
  "change-failure-rate": {
    timeout: 60,
    settings: incidentSettings,
  },
  mttr: {
    timeout: 120,
    settings: { ...gitHubSettings, ...incidentSettings },
  },
};

const stacks = synthesise(example);
const onGraviton = synthesise({ ...example, architecture: "arm64", logRetentionDays: 30 });

describe.each(METRIC_FUNCTIONS)("the function %s", (name) => {
  const stack = template(stacks, STACKS[name]);
  const { timeout, settings } = OWN[name];
  const failedEvents = { "Fn::GetAtt": [Match.stringLikeRegexp("^MeasureFailedEvents"), "Arn"] };

  it("runs as compiled, with its settings and no others", () => {
    stack.hasResourceProperties("AWS::Lambda::Function", {
      FunctionName: name,
      Runtime: "provided.al2023",
      Handler: "bootstrap",
      Architectures: ["x86_64"],
      MemorySize: 256,
      Timeout: timeout,
      LoggingConfig: { LogFormat: "JSON", LogGroup: Match.anyValue() },
      Environment: Match.objectEquals({
        Variables: {
          LEDGER_TABLE: ledger,
          LEDGER_RETENTION_DAYS: "400",
          METRIC_NAMESPACE: "DORA",
          TOOLING_ACCOUNT_IDS: "111122223333",
          TOOLING_CROSS_ACCOUNT_LAMBDA_ROLE: "ToolingCrossAccountLambdaRole",
          CROSS_ACCOUNT_EXTERNAL_ID: "example/dora",
          DEFAULT_MAIN_BRANCH: "main",
          APP_PROD_STAGE_NAME: "DeployPROD",
          APP_REPOSITORY_NAMES: "acme/payments",
          TEAM_BY_REPOSITORY: '{"acme/web":"Storefront"}',
          ...settings,
        },
      }),
    });
    stack.hasResourceProperties("AWS::Logs::LogGroup", {
      LogGroupName: `/aws/lambda/${name}`,
      RetentionInDays: 90,
    });
  });

  it("keeps its memory and time-out when its code alone is deployed", () => {
    const manifest = join(import.meta.dirname, `../../crates/${name}/Cargo.toml`);
    expect(readFileSync(manifest, "utf8")).toContain(
      `[package.metadata.lambda.deploy]\nmemory = 256\ntimeout = ${timeout}\n`,
    );
  });

  it("runs on the processor, and keeps its log as long, as configured", () => {
    const stack = template(onGraviton, STACKS[name]);
    stack.hasResourceProperties("AWS::Lambda::Function", { Architectures: ["arm64"] });
    stack.hasResourceProperties("AWS::Logs::LogGroup", { RetentionInDays: 30 });
  });

  it("is exactly the code that was built", () => {
    const built = createHash("sha256").update("not a zip").digest("base64");
    stack.hasResourceProperties("AWS::Lambda::Version", {
      FunctionName: { Ref: Match.stringLikeRegexp("^MeasureFunction") },
      CodeSha256: built,
    });
  });

  // `cargo lambda deploy` publishes a version too, and Lambda none that is equal to it.
  it("has another configuration whenever it has another code", () => {
    const built = createHash("sha256").update("not a zip").digest("base64");
    stack.hasResourceProperties("AWS::Lambda::Function", {
      Description: `DORA metrics: ${name}, code ${built}`,
    });
  });

  it("tries an event three times within six hours, then keeps it", () => {
    stack.hasResourceProperties("AWS::Lambda::EventInvokeConfig", {
      MaximumRetryAttempts: 2,
      MaximumEventAgeInSeconds: 21600,
      DestinationConfig: { OnFailure: { Destination: failedEvents } },
    });
  });
});

describe.each(INCIDENT_FUNCTIONS)("the function %s, wherever incidents are recorded,", (name) => {
  const policy = (accounts: Configuration["incidents"]["accounts"]) => {
    const stacks = synthesise({ ...example, incidents: { ...example.incidents, accounts } });
    const stack = template(stacks, STACKS[name]);
    const [found] = Object.values(stack.findResources("AWS::IAM::Policy"));
    return found?.["Properties"].PolicyDocument.Statement;
  };

  it("needs no role to read those of its own account, in all their Regions", () => {
    const statements = policy([{ account: OPERATIONS, regions: ["eu-west-1", "us-east-1"] }]);
    expect(statements).toContainEqual(allow("sts:AssumeRole", toolingRole));
    expect(statements).toContainEqual(
      allow(readOwnOpsItems.Action, [
        "arn:aws:ssm:eu-west-1:444455556666:opsitem/*",
        "arn:aws:ssm:us-east-1:444455556666:opsitem/*",
      ]),
    );
  });

  it("reads none of its own account where that records none", () => {
    const statements = policy([{ account: TOOLING, regions: ["eu-west-1"] }]);
    expect(JSON.stringify(statements)).not.toContain("ssm:");
    expect(statements).toContainEqual(
      allow("sts:AssumeRole", [
        "arn:aws:iam::111122223333:role/DoraOpsCenterReadRole",
        toolingRole,
      ]),
    );
  });
});
