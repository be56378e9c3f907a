import { describe, expect, it, test } from "vitest";
import { INCIDENT_FUNCTIONS, METRIC_FUNCTIONS } from "../lib/names.ts";
import { matches, type Json } from "./event-pattern.ts";
import { APPLICATION, example, OPERATIONS, STACKS, synthesise, template } from "./example.ts";

const stacks = synthesise(example);
const rules = (stack: string) =>
  Object.values(template(stacks, stack).findResources("AWS::Events::Rule")).map(
    ({ Properties }) => Properties.EventPattern as Json,
  );

const created = (account: string, detail = {}) => ({
  version: "0",
  id: "5d2a7c1e-0000-4000-8000-000000000021",
  "detail-type": "OpsItem Create",
  source: "aws.ssm",
  account,
  time: "2026-11-20T10:32:24Z",
  region: "eu-west-1",
  resources: [`arn:aws:ssm:eu-west-1:${account}:opsitem/oi-0a1b2c3d4e5f`],
  detail: {
    "created-by": `arn:aws:iam::${account}:user/ana`,
    "created-time": "2026-11-20T10:31:07.629361Z",
    source: "pager",
    status: "Open",
    "ops-item-id": "oi-0a1b2c3d4e5f",
    title: "Checkout returns 5xx",
    "ops-item-type": "/aws/issue",
    description: "Alarm checkout-5xx is in ALARM",
    ...detail,
  },
});

const places = [
  { account: OPERATIONS, stack: "DoraOpsIncidentsStack" },
  { account: APPLICATION, stack: "DoraApplicationOpsCenterStack-222233334444-eu-west-1" },
];

describe.each(places)("an OpsItem of account $account", ({ account, stack }) => {
  const issue = created(account);
  const samples: [string, Json, boolean][] = [
    ["an open issue that was created", issue, true],
    ["an update", { ...issue, "detail-type": "OpsItem Update" }, false],
    [
      "an update that resolves it",
      { ...created(account, { status: "Resolved" }), "detail-type": "OpsItem Update" },
      false,
    ],
    ["an issue that is created as resolved", created(account, { status: "Resolved" }), false],
    ["a change request", created(account, { "ops-item-type": "/aws/changerequest" }), false],
    ["an insight", created(account, { "ops-item-type": "/aws/insight" }), false],
    ["an event that only looks like one", { ...issue, source: "my.ssm" }, false],
  ];

  test.each(samples)("%s", (_, event, forwarded) => {
    expect(rules(stack).filter((pattern) => matches(pattern, event))).toHaveLength(
      forwarded ? 1 : 0,
    );
    for (const name of METRIC_FUNCTIONS) {
      const measuresIncidents = (INCIDENT_FUNCTIONS as readonly string[]).includes(name);
      expect(rules(STACKS[name]).filter((pattern) => matches(pattern, event))).toHaveLength(
        forwarded && measuresIncidents ? 1 : 0,
      );
    }
  });
});

it("takes no OpsItem of an account that is not configured", () => {
  for (const stack of Object.values(STACKS)) {
    const event = created("999900001111");
    expect(rules(stack).filter((pattern) => matches(pattern, event))).toEqual([]);
  }
});
