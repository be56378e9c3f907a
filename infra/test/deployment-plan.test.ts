import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Configuration } from "../lib/configuration.ts";
import { deploymentPlan, type Environment } from "../lib/deployment-plan.ts";
import { organisation } from "../lib/organisation.ts";
import { APPLICATION, example, lambdaDirectory, newApp, OPERATIONS, TOOLING } from "./example.ts";

function plan(environment: Environment, change: Partial<Configuration> = {}) {
  const app = newApp();
  organisation(app, { ...example, ...change }, lambdaDirectory());
  const { directory } = app.synth();
  const manifest = JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8"));
  return deploymentPlan(manifest, environment);
}

describe("a deployment", () => {
  const steps = plan({ OPERATIONS_PROFILE: "operations", TOOLING_PROFILE: "tooling" });

  it("begins with the operations account, whose buses the others feed", () => {
    expect(steps.map(({ account }) => account)).toEqual([OPERATIONS, TOOLING, APPLICATION]);
    expect(steps[0]?.stacks[0]).toBe("DoraOpsFoundationStack");
    expect(steps[0]?.stacks).toContain("DoraOpsIncidentsStack");
    for (const { stacks } of steps.slice(1)) {
      expect(stacks.join()).not.toContain("DoraOps");
      expect(stacks).toHaveLength(1);
    }
  });

  it("takes one profile for the operations account and one for all others", () => {
    expect(steps.map(({ profile }) => profile)).toEqual(["operations", "tooling", "tooling"]);
  });

  it("takes a profile of an account's own before those", () => {
    const steps = plan({
      OPERATIONS_PROFILE: "operations",
      TOOLING_PROFILE: "tooling",
      [`PROFILE_${APPLICATION}`]: "shop",
    });
    expect(steps.map(({ profile }) => profile)).toEqual(["operations", "tooling", "shop"]);
  });

  it("takes the credentials of the environment where no profile is named", () => {
    for (const step of plan({ OPERATIONS_PROFILE: "" })) expect(step).not.toHaveProperty("profile");
  });

  it("names each Region of an account once, the one whose stack holds the role first", () => {
    const regions = ["us-east-1", "eu-west-1", "ap-southeast-2"];
    const [, tooling] = plan({}, { tooling: [{ account: TOOLING, regions }] });
    expect(tooling?.regions).toEqual(regions);
    expect(tooling?.stacks).toEqual(
      regions.map((region) => `DoraToolingEventBridgeStack-${TOOLING}-${region}`),
    );
  });

  it("needs one step where the pipelines run in the operations account", () => {
    const regions = ["eu-west-1"];
    const own = [{ account: OPERATIONS, regions }];
    const steps = plan({}, { tooling: own, incidents: { ...example.incidents, accounts: own } });
    expect(steps.map(({ account }) => account)).toEqual([OPERATIONS]);
  });

  it("is refused for an assembly of something else", () => {
    expect(() => deploymentPlan({ artifacts: {} }, {})).toThrow("has no DoraOpsFoundationStack");
  });
});
