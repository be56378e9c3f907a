// The CDK app: synthesises the stacks that `config.ts` describes, or another file
// that the context names, as the local stage's does.

import { resolve } from "node:path";
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import type { Configuration } from "../lib/configuration.ts";
import { organisation } from "../lib/organisation.ts";
import { Refusal } from "../lib/refusal.ts";

const repository = resolve(import.meta.dirname, "../..");

const app = new App();
const lambdaDir: string = app.node.tryGetContext("lambdaDir") ?? "target/lambda";
const file: string = app.node.tryGetContext("configuration") ?? "infra/config.ts";
const { configuration } = (await import(resolve(repository, file))) as {
  configuration: Configuration;
};
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
try {
  organisation(app, configuration, resolve(repository, lambdaDir));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
