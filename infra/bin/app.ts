// The CDK app: synthesises the stacks that `config.ts` describes.

import { resolve } from "node:path";
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { configuration } from "../config.ts";
import { organisation } from "../lib/organisation.ts";
import { Refusal } from "../lib/refusal.ts";

const repository = resolve(import.meta.dirname, "../..");

const app = new App();
const lambdaDir: string = app.node.tryGetContext("lambdaDir") ?? "target/lambda";
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
try {
  organisation(app, configuration, resolve(repository, lambdaDir));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
