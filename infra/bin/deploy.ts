// Deploys a cloud assembly to all its accounts, or destroys it there:
// `tsx bin/deploy.ts bootstrap|deploy|destroy ASSEMBLY`. `make deploy` and `docs/operations.md`
// say which profiles it takes.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { deploymentPlan, type Step } from "../lib/deployment-plan.ts";
import { Refusal } from "../lib/refusal.ts";

const infra = resolve(import.meta.dirname, "..");
const BOOTSTRAP_VERSION = "/cdk-bootstrap/hnb659fds/version";

const profileOf = ({ profile }: Step): string[] => (profile ? ["--profile", profile] : []);

function run(command: string, args: readonly string[], step: Step): void {
  const all = [...args, ...profileOf(step)];
  console.log(`\n$ ${command} ${all.join(" ")}`);
  const { status, error } = spawnSync(command, all, { cwd: infra, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) throw new Refusal(`${command} ${args[0]} ended with ${status}`);
}

const cdk = (step: Step, ...args: string[]): void => run("node_modules/.bin/cdk", args, step);

/** Calls the AWS CLI in a Region of the step, and returns what it says. */
function aws(step: Step, region: string, ...args: string[]) {
  const all = [...args, "--region", region, ...profileOf(step)];
  const { error, ...said } = spawnSync("aws", all, { encoding: "utf8" });
  if (error) throw error;
  return said;
}

/** What the CDK would find out only half-way. */
function checkBootstrapped(steps: readonly Step[]): void {
  const problems = steps.flatMap((step) =>
    step.regions.flatMap((region) => {
      const name = ["--name", BOOTSTRAP_VERSION];
      const { status, stderr } = aws(step, region, "ssm", "get-parameter", ...name);
      if (status === 0) return [];
      return [
        `${step.account}, ${region}: ${
          stderr.includes("ParameterNotFound")
            ? "not prepared for the CDK yet: run make bootstrap first"
            : stderr.trim()
        }`,
      ];
    }),
  );
  if (problems.length > 0) throw new Refusal(["cannot deploy:", ...problems].join("\n  - "));
}

/** What `make redrive` could still count, were the queues not to be destroyed. */
function warnOfWaitingEvents(steps: readonly Step[]): void {
  for (const step of steps) {
    for (const region of step.regions) {
      const found = sqs(step, region, "list-queues", "--queue-name-prefix", "dora-");
      for (const url of found.QueueUrls ?? []) {
        const names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        const of = ["--queue-url", url, "--attribute-names", ...names];
        const { Attributes = {} } = sqs(step, region, "get-queue-attributes", ...of);
        const waiting = Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
        if (waiting > 0) {
          const name = url.split("/").at(-1);
          console.log(`${step.account}, ${region}: ${waiting} events wait in ${name}`);
        }
      }
    }
  }
}

interface SqsAnswer {
  readonly QueueUrls?: readonly string[];
  readonly Attributes?: Readonly<Record<string, string>>;
}

function sqs(step: Step, region: string, ...args: string[]): SqsAnswer {
  // For SQS alone, version 1 of the AWS CLI overlooks the endpoint of the environment.
  const endpoint = process.env["AWS_ENDPOINT_URL_SQS"] || process.env["AWS_ENDPOINT_URL"];
  const common = ["--output", "json", ...(endpoint ? ["--endpoint-url", endpoint] : [])];
  const { status, stdout, stderr } = aws(step, region, "sqs", ...args, ...common);
  if (status !== 0) throw new Refusal(`aws sqs ${args[0]} ended with ${status}: ${stderr.trim()}`);
  return JSON.parse(stdout.trim() || "{}");
}

async function confirm(question: string): Promise<void> {
  if (process.env["APPROVE"] === "yes") return;
  if (!process.stdin.isTTY) throw new Refusal(`${question} Nobody to ask: set APPROVE=yes`);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`\n${question} [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer)) throw new Refusal("nothing was changed");
}

async function main([action, assembly = "cdk.out"]: string[]): Promise<void> {
  const app = resolve(assembly);
  const manifest = JSON.parse(readFileSync(join(app, "manifest.json"), "utf8"));
  const steps = deploymentPlan(manifest, process.env);
  for (const { account, profile, regions, stacks } of steps) {
    console.log(`${account} (${profile ?? "no profile"}), ${regions.join(", ")}:`);
    for (const stack of stacks) console.log(`  ${stack}`);
  }
  // The CDK would add the stacks that these depend on, which are in another account.
  const of = ({ stacks }: Step): string[] => ["--app", app, "--exclusively", ...stacks];
  switch (action) {
    case "bootstrap":
      for (const step of steps) {
        const places = step.regions.map((region) => `aws://${step.account}/${region}`);
        cdk(step, "bootstrap", "--app", app, ...places);
      }
      return;
    case "deploy":
      checkBootstrapped(steps);
      for (const step of steps) cdk(step, "diff", "--method", "template", ...of(step));
      await confirm("Deploy this?");
      for (const step of steps) {
        const options = ["--require-approval", "never", "--concurrency", "4"];
        cdk(step, "deploy", ...options, "--progress", "events", ...of(step));
      }
      return;
    case "destroy":
      warnOfWaitingEvents(steps);
      await confirm(
        "Destroy all this? With it go the events in failure queues and archives, the functions' " +
          "logs, the dashboard and GitHub's token. The ledger's table and the metrics are kept.",
      );
      for (const step of steps.reverse()) cdk(step, "destroy", "--force", ...of(step));
      return;
    default:
      throw new Refusal("usage: deploy.ts bootstrap|deploy|destroy ASSEMBLY");
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = 1;
});
