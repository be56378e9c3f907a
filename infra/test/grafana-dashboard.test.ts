// That the dashboard has the form that Grafana expects is the compiler's: its types are Grafana's own.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Panel } from "@grafana/schema";
import type { CloudWatchMetricsQuery } from "@grafana/schema/dist/esm/raw/composable/cloudwatch/dataquery/x/CloudWatchDataQuery_types.gen";
import { describe, expect, it } from "vitest";
import catalogue from "../../crates/dora-core/metrics.json" with { type: "json" };
import { configuration as published } from "../config.ts";
import { dashboardBody, type Graph } from "../lib/dashboard-widgets.ts";
import { grafanaDashboard } from "../lib/grafana-dashboard.ts";
import { example } from "./example.ts";

const FILE = resolve(import.meta.dirname, "../grafana/dora.json");

const elsewhere = { ...example, metricNamespace: "Acme/DORA" };
const dashboard = grafanaDashboard(elsewhere);
const panels = (dashboard.panels ?? []) as Panel[];
const queriesOf = (panel: Panel) => (panel.targets ?? []) as unknown as CloudWatchMetricsQuery[];
const graphs = dashboardBody(elsewhere).widgets.flatMap((widget) =>
  widget.type === "metric" ? [widget.properties] : [],
);
const panelOf = (graph: Graph) => panels.find(({ title }) => title === graph.title)!;
const metricsIn = (text: string) => [...text.matchAll(/MetricName=\\*"(\w+)/g)].map(([, name]) => name!);
const metricsOf = (queries: readonly CloudWatchMetricsQuery[]) =>
  queries.flatMap(({ metricName, expression }) => (metricName ? [metricName] : metricsIn(expression ?? "")));
const units = new Map(catalogue.metrics.map(({ name, unit }) => [name, unit]));

describe("the dashboard for Grafana", () => {
  it("is the file that is imported", () => {
    const file = JSON.parse(readFileSync(FILE, "utf8"));
    expect(file, "run `make grafana`").toEqual(JSON.parse(JSON.stringify(grafanaDashboard(published))));
  });

  it("has the panels of CloudWatch's dashboard, where they are there", () => {
    const { widgets } = dashboardBody(elsewhere);
    const places = widgets.map(({ x, y, width, height }) => ({ x, y: 2 * y, w: width, h: 2 * height }));
    expect(panels.map(({ gridPos }) => gridPos)).toEqual(places);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(panels.flatMap(({ title }) => title ?? [])).toEqual(graphs.map(({ title }) => title));
  });

  it("shows each metric that CloudWatch's dashboard shows, and none that is not published", () => {
    const shown = new Set(panels.flatMap((panel) => metricsOf(queriesOf(panel))));
    const there = graphs.flatMap(({ metrics }) =>
      metrics.flatMap(([first, name]) =>
        typeof first === "string" ? [name as string] : metricsIn(JSON.stringify(first)),
      ),
    );
    expect(shown).toEqual(new Set(there));
    expect([...units.keys()]).toEqual(expect.arrayContaining([...shown]));
  });

  it("shows durations in hours and never their sum, and all else as it is counted", () => {
    for (const panel of panels.filter(({ targets }) => targets)) {
      const queries = queriesOf(panel);
      const published = new Set(metricsOf(queries).map((name) => units.get(name)));
      expect(published.size, panel.title).toBe(1);
      const { unit } = panel.fieldConfig!.defaults;
      if (published.has("Seconds")) {
        expect(unit, panel.title).toBe("h");
        const read = queries.filter(({ metricName }) => metricName).map(({ statistic }) => statistic);
        expect(["p50", "p90", "Average"], panel.title).toEqual(expect.arrayContaining([...new Set(read)]));
        for (const { expression } of queries.filter(({ hide }) => !hide)) {
          expect(expression, panel.title).toMatch(/ \/ 3600$/);
          expect(expression, panel.title).not.toContain("Sum");
        }
        expect(JSON.stringify(panel.transformations ?? []), panel.title).not.toContain("sum");
      } else {
        expect(["short", "percent"], panel.title).toContain(unit);
        for (const { statistic } of queries) expect(statistic, panel.title).toBe("Sum");
      }
    }
  });

  it("reads what is there: the same expressions, of the namespace, Region and data source", () => {
    for (const graph of graphs) {
      const panel = panelOf(graph);
      const queries = queriesOf(panel);
      expect(queries.map(({ hide }) => hide)).toEqual(
        graph.metrics.map((line) => JSON.stringify(line).includes('"visible":false')),
      );
      for (const query of queries) {
        expect(query.region).toBe("$region");
        expect(query.datasource).toEqual({ type: "cloudwatch", uid: "${datasource}" });
        expect(query.id).toMatch(/^[a-z]\w*$/);
      }
      const namespaces = queries.filter(({ metricName }) => metricName).map(({ namespace }) => namespace);
      expect(new Set(namespaces)).toEqual(new Set(namespaces.length > 0 ? ["Acme/DORA"] : []));
      const searches = queries.flatMap(({ expression }) => expression?.match(/SEARCH\('\{"([^"]+)"/)?.[1] ?? []);
      expect(new Set(searches)).toEqual(new Set(searches.length > 0 ? ["Acme/DORA"] : []));
    }
  });

  it("lets the viewer choose all, a team or a repository", () => {
    const list = dashboard.templating!.list!;
    expect(list.map(({ name }) => name)).toEqual(["datasource", "region", "show", "team", "repository"]);
    const names = list.map(({ name }) => name);
    const used = JSON.stringify(panels.map(({ targets }) => targets)).matchAll(/\$\{?(\w+)/g);
    const known = [...names, "__from", "__to", "LAST", "PROP"];
    expect(known).toEqual(expect.arrayContaining([...new Set([...used].map(([, name]) => name))]));
    const chosen = queriesOf(panels.find(({ title }) => title === "Deployments by day")!);
    expect(chosen.map(({ dimensions }) => dimensions)).toEqual([
      {},
      { Team: "$team" },
      { Repository: "$repository" },
      undefined,
      undefined,
    ]);
    expect(chosen[3]!.expression).toBe(
      "IF($show == 7001, deployments_team, IF($show == 7002, deployments_repository, deployments_all))",
    );
  });

  it("takes a day, a week and a month as one period each, and for a tile all of the range", () => {
    const periods = (title: string) => [
      ...new Set(queriesOf(panels.find((panel) => panel.title === title)!).map(({ period }) => Number(period))),
    ];
    const day = 86_400;
    expect(periods("Change fail rate by day")).toEqual([day]);
    expect(periods("Change fail rate by week")).toEqual([7 * day]);
    expect(periods("Change fail rate by month")).toEqual([30 * day]);
    const [whole = 0] = periods("Change fail rate");
    expect(whole).toBeGreaterThan(455 * day);
    const frequency = queriesOf(panels.find(({ title }) => title === "Deployment frequency")!).at(-1)!;
    expect(frequency.expression).toBe("deployments / (((${__to} - ${__from}) / 1000) / 86400)");
    const table = panels.find(({ title }) => title?.startsWith("Median lead time by team"))!;
    expect(queriesOf(table)[0]!.expression).toContain(`'p50', ${whole})`);
    expect(table.timeFrom).toBe("14d");
    expect(dashboard.time).toEqual({ from: "now-90d/d", to: "now" });
    expect(dashboard.timezone).toBe("utc");
  });

  it("draws the levels of the study where CloudWatch's dashboard has them", () => {
    for (const graph of graphs) {
      const levels = graph.annotations?.horizontal ?? [];
      const { thresholds, custom } = panelOf(graph).fieldConfig!.defaults;
      const [base, ...steps] = thresholds!.steps;
      expect(base!.value).toBeNull();
      expect(steps).toEqual(
        levels.map(({ value, color }) => ({ value, color })).sort((one, other) => one.value - other.value),
      );
      if (levels.length > 0) expect(custom!["thresholdsStyle"]).toEqual({ mode: "dashed" });
      for (const { label } of levels) expect(panelOf(graph).description).toContain(label);
    }
  });

  it("draws nothing where there was nothing to measure", () => {
    for (const { type, fieldConfig } of panels.filter(({ targets }) => targets)) {
      expect(fieldConfig!.defaults.noValue).toBe("–");
      if (type === "timeseries") expect(fieldConfig!.defaults.custom!["spanNulls"]).toBe(false);
    }
  });
});
