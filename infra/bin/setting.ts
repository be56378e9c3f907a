// Prints settings to whoever is not TypeScript, on one line: `tsx bin/setting.ts account region`.

import { configuration } from "../config.ts";
import { validate } from "../lib/configuration.ts";
import { profileOf } from "../lib/deployment-plan.ts";
import { Refusal } from "../lib/refusal.ts";

const { account, region } = configuration.operations;

const SETTINGS: Readonly<Record<string, string>> = {
  architecture: configuration.architecture,
  account,
  region,
  /** Not of `config.ts`: the operations account's profile, as `make deploy` finds it; maybe none. */
  profile: profileOf(account, account, process.env) ?? "",
};

try {
  validate(configuration);
  const values = process.argv.slice(2).map((name) => {
    const value = SETTINGS[name];
    if (value === undefined) {
      throw new Refusal(`${name} is no setting; allowed: ${Object.keys(SETTINGS)}`);
    }
    return value;
  });
  console.log(values.join(" "));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
