// What is in the dashboard's body is tested where it is evaluated, in tests/dashboard.

import { Template } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import type { Configuration } from "../lib/configuration.ts";
import { count } from "../lib/dashboard-expressions.ts";
import { OpsMetricsDashboardStack } from "../lib/ops-metrics-dashboard-stack.ts";
import { example, newApp } from "./example.ts";

interface Body {
  readonly variables: { readonly search?: string }[];
  readonly widgets: { readonly properties: Properties }[];
}

interface Properties {
  readonly title?: string;
  readonly region?: string;
  readonly metrics?: unknown[][];
  readonly annotations?: { readonly horizontal: { readonly label: string }[] };
}

function body(configuration: Configuration): Body {
  const stack = new OpsMetricsDashboardStack(newApp(), "Dashboard", { configuration });
  const found = Template.fromStack(stack).findResources("AWS::CloudWatch::Dashboard");
  const [dashboard] = Object.values(found);
  return JSON.parse(dashboard!["Properties"].DashboardBody);
}

describe("the dashboard", () => {
  const elsewhere = body({
    ...example,
    operations: { ...example.operations, region: "us-east-1" },
    metricNamespace: "Acme/DORA",
  });

  it("reads the metrics of the configured namespace and Region", () => {
    const { widgets, variables } = elsewhere;
    const panels = widgets.map(({ properties }) => properties).filter(({ metrics }) => metrics);
    expect(new Set(panels.map(({ region }) => region))).toEqual(new Set(["us-east-1"]));
    const lines = panels.flatMap(({ metrics }) => metrics ?? []);
    const namespaces = lines.map(([first]) => first).filter((first) => typeof first === "string");
    expect(new Set(namespaces)).toEqual(new Set(["Acme/DORA"]));
    const searches = [JSON.stringify(lines), JSON.stringify(variables)].join().match(/\{[^{}]*\} Metric/g);
    expect(searches).toHaveLength(6 + 2);
    for (const search of searches ?? []) expect(search).toContain("Acme/DORA");
  });

  it("names the year of the configured study on each of its lines", () => {
    const { widgets } = body({ ...example, doraBands: { ...example.doraBands, year: 2023 } });
    const labels = widgets.flatMap(({ properties }) =>
      (properties.annotations?.horizontal ?? []).map(({ label }) => label),
    );
    expect(labels).toHaveLength(6 + 3 * (2 + 4 + 2));
    for (const label of labels) expect(label).toMatch(/ 2023$/);
  });

  it("has no lines where the configuration gives none", () => {
    const { widgets } = body({
      ...example,
      doraBands: { ...example.doraBands, leadTimeHours: {} },
    });
    const leadTimes = widgets.filter(({ properties }) => properties.title?.startsWith("Change lead time by"));
    expect(leadTimes).toHaveLength(3);
    for (const { properties } of leadTimes) expect(properties.annotations).toBeUndefined();
  });

  it("cannot show what no function publishes", () => {
    expect(() => count("DORA", "Deployment", { label: "deployments", color: "#000000" })).toThrow(
      "no function publishes the metric Deployment",
    );
  });
});
