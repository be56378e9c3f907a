// Prints a setting of `config.ts` to whoever is not TypeScript: `tsx bin/setting.ts architecture`.

import { configuration } from "../config.ts";
import { validate } from "../lib/configuration.ts";
import { Refusal } from "../lib/refusal.ts";

const SETTINGS: Readonly<Record<string, string>> = {
  architecture: configuration.architecture,
  region: configuration.operations.region,
};

try {
  validate(configuration);
  const [name = ""] = process.argv.slice(2);
  const value = SETTINGS[name];
  if (!value) throw new Refusal(`${name} is no setting; allowed: ${Object.keys(SETTINGS)}`);
  console.log(value);
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
