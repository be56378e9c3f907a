// The same dashboard for Grafana and its CloudWatch data source: a translation of what CloudWatch
// is given, so that the two cannot show different numbers.

import {
  FieldColorModeId,
  GraphDrawStyle,
  GraphThresholdsStyleMode,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  LegendDisplayMode,
  ThresholdsMode,
  VariableRefresh,
  VariableSort,
  VisibilityMode,
  type Dashboard,
  type FieldConfigSource,
  type GraphFieldConfig,
  type Panel,
  type VariableModel,
} from "@grafana/schema";
import {
  MetricEditorMode,
  MetricQueryType,
  type CloudWatchMetricsQuery,
} from "@grafana/schema/dist/esm/raw/composable/cloudwatch/dataquery/x/CloudWatchDataQuery_types.gen";
import type { Options as StatOptions } from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type { Options as TableOptions } from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import {
  TextMode,
  type Options as TextOptions,
} from "@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen";
import type { Options as TimeSeriesOptions } from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";
import type { Configuration } from "./configuration.ts";
import { SCOPE, UNCHOSEN, type Line, type LineOptions } from "./dashboard-expressions.ts";
import { dashboardBody, type Graph, type PlacedWidget, type Variable } from "./dashboard-widgets.ts";
import { unitOf } from "./metric-catalogue.ts";

const DATA_SOURCE = { type: "cloudwatch", uid: "${datasource}" };

/** Of Grafana 10.4; newer ones migrate it when they load it. */
const SCHEMA_VERSION = 39;

/** A row of CloudWatch's grid, in rows of Grafana's, which are half as high. */
const ROW = 2;

/**
 * Longer than any time range that CloudWatch has values for (455 days), so that the range is in one
 * period: the data source knows no period that follows the range.
 */
const WHOLE_RANGE = 456 * 86_400;

/** The time range's length in seconds, which Grafana puts in. */
const RANGE_SECONDS = "((${__to} - ${__from}) / 1000)";

/** The dashboard, as Grafana imports it. */
export function grafanaDashboard(configuration: Configuration): Dashboard {
  const { start, variables, widgets } = dashboardBody(configuration);
  const since = (days: number) => ({ from: `now-${days}d/d`, to: "now" });
  return {
    uid: "dora-metrics",
    title: "DORA",
    description: "DORA's five metrics of software delivery, as dora-lambda publishes them",
    tags: ["dora"],
    schemaVersion: SCHEMA_VERSION,
    editable: true,
    // CloudWatch counts periods from where the range begins: at midnight UTC, so that days are days.
    timezone: "utc",
    time: since(daysIn(start)),
    timepicker: {
      quick_ranges: [14, 30, 90, 180, 365].map((days) => ({
        display: `Last ${days} days`,
        ...since(days),
      })),
    },
    refresh: "",
    templating: { list: [...places(), ...variables.map((each) => variable(each, configuration))] },
    panels: widgets.map(panel),
  };
}

/** Where the metrics are: the viewer's data source, and a Region of it. */
function places(): VariableModel[] {
  return [
    { type: "datasource", name: "datasource", label: "Data source", query: DATA_SOURCE.type },
    {
      type: "query",
      name: "region",
      label: "Region",
      datasource: DATA_SOURCE,
      query: { refId: "region", queryType: "regions" },
      current: { text: "default", value: "default" },
      refresh: VariableRefresh.onDashboardLoad,
      sort: VariableSort.alphabeticalAsc,
    },
  ];
}

/** A variable of CloudWatch's dashboard, under the same name. */
function variable(given: Variable, { metricNamespace }: Configuration): VariableModel {
  const { id: name, label } = given;
  if (given.type === "pattern") {
    const options = given.values.map((choice) => ({
      text: choice.label,
      value: choice.value,
      selected: choice.value === given.defaultValue,
    }));
    return {
      type: "custom",
      name,
      label,
      query: options.map(({ text, value }) => `${text} : ${value}`).join(", "),
      options,
      current: options.find(({ selected }) => selected),
    };
  }
  return {
    type: "query",
    name,
    label,
    datasource: DATA_SOURCE,
    query: {
      refId: name,
      queryType: "dimensionValues",
      region: "$region",
      namespace: metricNamespace,
      metricName: metricIn(given.search),
      dimensionKey: given.property,
      dimensionFilters: {},
    },
    // Never empty, even where nobody has deployed or no team is configured: CloudWatch refuses an
    // empty name, and with it all of a panel.
    includeAll: true,
    allValue: UNCHOSEN,
    current: { text: "All", value: "$__all" },
    refresh: VariableRefresh.onDashboardLoad,
    sort: VariableSort.alphabeticalAsc,
  };
}

function panel(widget: PlacedWidget, index: number): Panel {
  const { x, y, width: w, height } = widget;
  const place = { id: index + 1, gridPos: { x, y: y * ROW, w, h: height * ROW } };
  if (widget.type === "text") {
    const content = widget.properties.markdown;
    const options = { mode: TextMode.Markdown, content } satisfies TextOptions;
    return { ...place, type: "text", transparent: true, options };
  }
  const graph = widget.properties;
  return {
    ...place,
    title: graph.title,
    datasource: DATA_SOURCE,
    targets: queries(graph).map((query) => ({ ...query })),
    fieldConfig: fields(graph),
    ...(graph.start !== undefined && { timeFrom: `${daysIn(graph.start)}d` }),
    ...VIEWS[graph.view](graph),
  };
}

const VIEWS: Record<Graph["view"], (graph: Graph) => Omit<Panel, "fieldConfig">> = {
  singleValue: () => ({
    type: "stat",
    options: {
      reduceOptions: { values: false, calcs: ["lastNotNull"], fields: "" },
      colorMode: BigValueColorMode.Value,
      graphMode: BigValueGraphMode.None,
      textMode: BigValueTextMode.ValueAndName,
    } satisfies Partial<StatOptions>,
  }),
  timeSeries: ({ annotations }) => ({
    type: "timeseries",
    description: (annotations?.horizontal ?? [])
      .map(({ label, value }) => `${label}: ${value}`)
      .join(" · "),
    options: {
      legend: {
        calcs: [],
        displayMode: LegendDisplayMode.List,
        placement: "bottom",
        showLegend: true,
      },
    } satisfies Partial<TimeSeriesOptions>,
  }),
  // A row for each series, with what its values come to.
  table: ({ table }) => ({
    type: "table",
    options: { showHeader: true, frameIndex: 0 } satisfies TableOptions,
    transformations: [
      {
        id: "reduce",
        options: { reducers: [table?.summaryColumns.includes("SUM") ? "sum" : "lastNotNull"] },
      },
    ],
  }),
};

function fields(graph: Graph): FieldConfigSource {
  const levels = graph.annotations?.horizontal ?? [];
  const steps = levels
    .map(({ value, color }) => ({ value, color }))
    .sort((one, other) => one.value - other.value);
  return {
    defaults: {
      unit: unit(graph),
      min: 0,
      noValue: "–",
      thresholds: {
        mode: ThresholdsMode.Absolute,
        steps: [{ value: null, color: "transparent" }, ...steps],
      },
      ...(graph.view === "timeSeries" && {
        custom: {
          drawStyle: GraphDrawStyle.Line,
          lineWidth: 2,
          // A period between two without values has no neighbours to draw a line to.
          showPoints: VisibilityMode.Always,
          // No value is no value: not 0, and not what lies between its neighbours.
          spanNulls: false,
          insertNulls: false,
          axisLabel: graph.yAxis?.left.label,
          thresholdsStyle: {
            mode: steps.length > 0 ? GraphThresholdsStyleMode.Dashed : GraphThresholdsStyleMode.Off,
          },
        } satisfies GraphFieldConfig,
      }),
    },
    overrides: queries(graph).flatMap(({ refId }, index) => {
      const { color } = optionsOf(graph.metrics[index]!);
      if (color === undefined) return [];
      const fixed = { mode: FieldColorModeId.Fixed, fixedColor: color };
      return [
        {
          matcher: { id: "byFrameRefID", options: refId },
          properties: [{ id: "color", value: fixed }],
        },
      ];
    }),
  };
}

/** The unit of what the panel shows, in Grafana's words: expressions turn seconds into hours. */
function unit({ metrics }: Graph): string {
  const texts = metrics.map((line) => optionsOf(line).expression ?? "");
  const names = metrics.map((line, index) => metricIn(texts[index]!) ?? line[1]);
  if (names.some((name) => typeof name === "string" && unitOf(name) === "Seconds")) return "h";
  return texts.some((text) => text.includes("100 *")) ? "percent" : "short";
}

function queries(graph: Graph): CloudWatchMetricsQuery[] {
  return graph.metrics.map((line, index) => query(line, `shown${index}`, graph));
}

/** A line of a graph, in the data source's words. */
function query(line: Line, unnamed: string, graph: Graph): CloudWatchMetricsQuery {
  const { id = unnamed, expression, stat = "Sum", label, visible = true } = optionsOf(line);
  const [namespace = "", metricName = "", dimension, value] = line.filter(
    (part) => typeof part === "string",
  );
  const all = {
    refId: id,
    id,
    hide: !visible,
    datasource: DATA_SOURCE,
    queryMode: "Metrics" as const,
    metricQueryType: MetricQueryType.Search,
    region: "$region",
    period: `${graph.setPeriodToTimeRange ? WHOLE_RANGE : graph.period}`,
    statistic: stat,
    ...(label !== undefined && { label }),
  };
  if (expression !== undefined) {
    const text = translated(expression, graph);
    return { ...all, metricEditorMode: MetricEditorMode.Code, namespace: "", expression: text };
  }
  const chosen = dimension !== undefined && value === UNCHOSEN;
  const dimensions = chosen ? { [dimension]: `$${dimension.toLowerCase()}` } : {};
  return {
    ...all,
    metricEditorMode: MetricEditorMode.Builder,
    namespace,
    metricName,
    dimensions,
    // Without it, the data source searches for metrics with any more dimensions.
    matchExact: true,
  };
}

/** An expression with Grafana's variables, and with periods where CloudWatch has the range's. */
function translated(expression: string, { setPeriodToTimeRange }: Graph): string {
  const scoped = expression.replaceAll(`${SCOPE.all}`, "$show");
  if (!setPeriodToTimeRange) return scoped;
  return scoped
    .replaceAll(/PERIOD\(\w+\)/g, RANGE_SECONDS)
    .replaceAll(/, '(\w+)'\)/g, `, '$1', ${WHOLE_RANGE})`);
}

function optionsOf(line: Line): LineOptions {
  const last = line.at(-1);
  return typeof last === "object" ? last : {};
}

/** The metric that a search is for, if the text is one. */
function metricIn(text: string): string | undefined {
  return /MetricName="(\w+)"/.exec(text)?.[1];
}

/** The days of one of CloudWatch's relative times, such as `-P90D`. */
function daysIn(start: string): number {
  const days = /^-P(\d+)D$/.exec(start)?.[1];
  if (days === undefined) throw new Error(`${start} is no number of days before now`);
  return Number(days);
}
