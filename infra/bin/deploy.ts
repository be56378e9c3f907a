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

function run(command: string, args: readonly string[], step: Step): void {
  const all = [...args, ...(step.profile ? ["--profile", step.profile] : [])];
  console.log(`\n$ ${command} ${all.join(" ")}`);
  const { status, error } = spawnSync(command, all, { cwd: infra, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) throw new Refusal(`${command} ${args[0]} ended with ${status}`);
}

const cdk = (step: Step, ...args: string[]): void => run("node_modules/.bin/cdk", args, step);

/** What the CDK would find out only half-way. */
function checkBootstrapped(steps: readonly Step[]): void {
  const problems = steps.flatMap((step) =>
    step.regions.flatMap((region) => {
      const profile = step.profile ? ["--profile", step.profile] : [];
      const { status, stderr, error } = spawnSync(
        "aws",
        ["ssm", "get-parameter", "--name", BOOTSTRAP_VERSION, "--region", region, ...profile],
        { encoding: "utf8" },
      );
      if (error) throw error;
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
      await confirm("Destroy all this? The ledger's table is kept.");
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
