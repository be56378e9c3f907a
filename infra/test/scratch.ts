// The CDK leaves a cloud assembly behind for each app it synthesises: the tests'
// temporary files all go into one folder, which goes when they end.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export default function setup(): () => void {
  const scratch = mkdtempSync(join(tmpdir(), "dora-infra-"));
  process.env["TMPDIR"] = scratch;
  return () => rmSync(scratch, { recursive: true });
}
