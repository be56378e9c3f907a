// Prints settings to whoever is not TypeScript, on one line:
// `tsx bin/setting.ts infra/config.ts account region`.

import { resolve } from "node:path";
import { validate, type Configuration } from "../lib/configuration.ts";
import { profileOf } from "../lib/deployment-plan.ts";
import { Refusal } from "../lib/refusal.ts";

function settings({ operations, architecture }: Configuration): Readonly<Record<string, string>> {
  const { account, region } = operations;
  return {
    architecture,
    account,
    region,
    // Not of the configuration: the operations account's, as `make deploy` finds it; maybe none.
    profile: profileOf(account, account, process.env) ?? "",
  };
}

const [file = "", ...names] = process.argv.slice(2);
const repository = resolve(import.meta.dirname, "../..");
const { configuration } = (await import(resolve(repository, file))) as {
  configuration: Configuration;
};
try {
  validate(configuration);
  const all = settings(configuration);
  const values = names.map((name) => {
    const value = all[name];
    if (value === undefined) {
      throw new Refusal(`${name} is no setting; allowed: ${Object.keys(all)}`);
    }
    return value;
  });
  console.log(values.join(" "));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
