// In which order the stacks are deployed, and with whose credentials: the operations
// account first, since the others put events on its buses, then each other account.

import { Refusal } from "./refusal.ts";

export interface Step {
  readonly account: string;
  /** The AWS CLI's profile for the account; none where the environment has credentials. */
  readonly profile?: string;
  readonly regions: readonly string[];
  readonly stacks: readonly string[];
}

/** What is read of a cloud assembly's `manifest.json`. */
export interface Manifest {
  readonly artifacts: Readonly<
    Record<string, { readonly type: string; readonly environment?: string }>
  >;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export function deploymentPlan(manifest: Manifest, environment: Environment): Step[] {
  const stacks = Object.entries(manifest.artifacts)
    .filter(([, { type }]) => type === "aws:cloudformation:stack")
    .map(([name, { environment = "" }]) => {
      const [account = "", region = ""] = environment.replace("aws://", "").split("/");
      return { name, account, region };
    });
  const home = stacks.find(({ name }) => name === "DoraOpsFoundationStack")?.account;
  if (!home) throw new Refusal("the cloud assembly has no DoraOpsFoundationStack");
  const others = [...new Set(stacks.map(({ account }) => account))].filter((each) => each !== home);
  return [home, ...others].map((account) => {
    const own = stacks.filter((stack) => stack.account === account);
    const profile = profileOf(account, home, environment);
    return {
      account,
      ...(profile && { profile }),
      regions: [...new Set(own.map(({ region }) => region))],
      stacks: own.map(({ name }) => name),
    };
  });
}

/** The profile for an account: one of its own, or one for all of its kind. */
export function profileOf(
  account: string,
  home: string,
  environment: Environment,
): string | undefined {
  return (
    environment[`PROFILE_${account}`] ||
    environment[account === home ? "OPERATIONS_PROFILE" : "TOOLING_PROFILE"] ||
    undefined
  );
}
