// The organisation that the local stage deploys: that of `config.ts`, with a second
// tooling account, in another Region, since a scenario has pipelines in both, and with
// an account of an application that records incidents of its own.

import { configuration as one } from "./config.ts";
import type { Configuration } from "./lib/configuration.ts";

export const configuration: Configuration = {
  ...one,
  tooling: [...one.tooling, { account: "777788889999", regions: ["ap-southeast-1"] }],
  incidents: {
    ...one.incidents,
    accounts: [...one.incidents.accounts, { account: "555566667777", regions: ["eu-west-1"] }],
  },
};
