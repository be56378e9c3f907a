// Writes the dashboard for Grafana: `tsx bin/grafana.ts infra/config.ts infra/grafana/dora.json`.

import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { validate, type Configuration } from "../lib/configuration.ts";
import { grafanaDashboard } from "../lib/grafana-dashboard.ts";
import { Refusal } from "../lib/refusal.ts";

const [config = "", output = ""] = process.argv.slice(2);
const repository = resolve(import.meta.dirname, "../..");
const { configuration } = (await import(resolve(repository, config))) as {
  configuration: Configuration;
};
try {
  validate(configuration);
  const text = JSON.stringify(grafanaDashboard(configuration), null, 2);
  writeFileSync(resolve(repository, output), `${text}\n`);
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
