// What the dashboard shows, and where: the five numbers of the time range on
// top, below them their trends by day, week and month, and then who contributed.

import type { Configuration } from "./configuration.ts";
import {
  count,
  countBy,
  deploymentsPerDay,
  hours,
  medianHoursBy,
  SCOPE,
  shareOfChanges,
  withLatest,
  type Line,
  type Look,
} from "./dashboard-expressions.ts";
import { annotations, deploymentsIn, type Annotation, type Levels } from "./dora-bands.ts";

const DAY = 86_400;
const PERIODS = [
  { name: "day", days: 1 },
  { name: "week", days: 7 },
  { name: "month", days: 30 },
] as const;
type Period = (typeof PERIODS)[number];

const WHOLE_WIDTH = 24;
const THIRD = WHOLE_WIDTH / 3;

const MEDIAN: Look = { label: "median", color: "#1f5fa8" };
const P90: Look = { label: "90 % within", color: "#e07b39" };
const MEAN: Look = { label: "mean", color: "#6b7280" };
const COMMITS: Look = { label: "median of commits", color: "#9b7fc4" };
const COUNT = "#1f5fa8";
const BAD = "#c0392b";

/** A widget that has not found its place yet. */
type Widget = Size &
  (
    | { readonly type: "text"; readonly properties: Text }
    | { readonly type: "metric"; readonly properties: Graph }
  );

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A widget where it stands on the dashboard's 24 columns. */
export type PlacedWidget = Widget & { readonly x: number; readonly y: number };

interface Text {
  readonly markdown: string;
  readonly background: "transparent";
}

/** What a widget shows of metrics, and how. */
export interface Graph {
  readonly title: string;
  readonly view: "singleValue" | "timeSeries" | "table";
  readonly metrics: readonly Line[];
  /** In seconds. */
  readonly period: number;
  /** All of the time range is one period. */
  readonly setPeriodToTimeRange?: true;
  /** Where the widget's own time range begins: so long before now. */
  readonly start?: string;
  readonly yAxis?: { readonly left: Axis };
  readonly annotations?: { readonly horizontal: readonly Annotation[] };
  readonly stacked?: false;
  readonly sparkline?: false;
  readonly table?: Columns;
}

interface Axis {
  readonly min: number;
  readonly label: string;
  readonly showUnits: false;
}

interface Columns {
  readonly layout: "horizontal";
  readonly stickySummary: false;
  readonly showTimeSeriesData: boolean;
  readonly summaryColumns: readonly string[];
}

/** What the viewer chooses: a number among some, or a dimension's value. */
export type Variable = Scope | Selection;

interface Scope {
  readonly id: string;
  readonly type: "pattern";
  readonly pattern: string;
  readonly label: string;
  readonly inputType: "radio";
  readonly values: readonly { readonly value: string; readonly label: string }[];
  readonly defaultValue: string;
  readonly visible: true;
}

interface Selection {
  readonly id: string;
  readonly type: "property";
  readonly property: string;
  readonly label: string;
  readonly inputType: "select";
  readonly search: string;
  readonly populateFrom: string;
  readonly defaultValue: string;
  readonly visible: true;
}

/** A dashboard's body, as CloudWatch takes it. */
export interface DashboardBody {
  readonly start: string;
  readonly periodOverride: "inherit";
  readonly variables: readonly Variable[];
  readonly widgets: readonly PlacedWidget[];
}

/** The dashboard. */
export function dashboardBody(configuration: Configuration): DashboardBody {
  return {
    start: "-P90D",
    // Whatever the time range, a day stays a day and a week a week.
    periodOverride: "inherit",
    variables: variables(configuration),
    widgets: placed([
      [header(configuration)],
      tiles(configuration),
      ...trends(configuration),
      ...contributions(configuration),
    ]),
  };
}

/** Each row below the one before, each widget right of the one before. */
function placed(rows: readonly (readonly Widget[])[]): PlacedWidget[] {
  let y = 0;
  return rows.flatMap((row) => {
    let x = 0;
    const widgets = row.map((widget) => {
      const here = { ...widget, x, y };
      x += widget.width;
      return here;
    });
    y += Math.max(...row.map(({ height }) => height));
    return widgets;
  });
}

function variables({ metricNamespace }: Configuration): Variable[] {
  const select = (dimension: string): Selection => ({
    id: dimension.toLowerCase(),
    type: "property",
    property: dimension,
    label: dimension,
    inputType: "select",
    // Found among the metrics, so that a new one appears by itself.
    search: `{"${metricNamespace}",${dimension}} MetricName="Deployments"`,
    populateFrom: dimension,
    defaultValue: "__FIRST",
    visible: true,
  });
  return [
    {
      id: "show",
      type: "pattern",
      pattern: `${SCOPE.all}`,
      label: "Show",
      inputType: "radio",
      values: [
        { value: `${SCOPE.all}`, label: "All" },
        { value: `${SCOPE.team}`, label: "Team" },
        { value: `${SCOPE.repository}`, label: "Repository" },
      ],
      defaultValue: `${SCOPE.all}`,
      visible: true,
    },
    select("Team"),
    select("Repository"),
  ];
}

function header({ doraBands }: Configuration): Widget {
  const markdown = [
    "## Software delivery performance: DORA's five metrics",
    "Show **all**, or the **team** or **repository** chosen above; the tables show everybody. " +
      `Dashed lines: performance levels of DORA's ${doraBands.year} study. ` +
      "No value means that there was nothing to measure: neither 0 nor 100 %.",
  ].join("\n");
  return {
    type: "text",
    width: WHOLE_WIDTH,
    height: 2,
    properties: { markdown, background: "transparent" },
  };
}

/** The five numbers, each over the whole time range. */
function tiles(configuration: Configuration): Widget[] {
  const { metricNamespace } = configuration;
  const tile = (title: string, width: number, metrics: Line[]) =>
    metric(configuration, width, 3, {
      title,
      view: "singleValue",
      metrics,
      period: DAY,
      setPeriodToTimeRange: true,
      sparkline: false,
    });
  return [
    tile("Deployment frequency", 4, deploymentsPerDay(metricNamespace, { label: "a day, over the time range", color: COUNT })),
    tile("Change lead time, hours", 7, durations(metricNamespace, "LeadTimeForChanges")),
    tile("Change fail rate", 3, shareOfChanges(metricNamespace, "FailedChanges", { label: "% of changes", color: BAD })),
    tile("Failed deployment recovery time, hours", 7, durations(metricNamespace, "TimeToRecovery")),
    tile("Rework rate", 3, shareOfChanges(metricNamespace, "ReworkDeployments", { label: "% of changes", color: BAD })),
  ];
}

/** A row for each number, a column for each period. */
function trends(configuration: Configuration): Widget[][] {
  const { metricNamespace, doraBands } = configuration;
  const row = (
    title: string,
    unit: string,
    metrics: Line[],
    levels: (period: Period) => Levels = () => ({}),
  ) =>
    PERIODS.map((period) => {
      const horizontal = annotations(levels(period), doraBands.year);
      return metric(configuration, THIRD, 5, {
        title: `${title} by ${period.name}`,
        view: "timeSeries",
        stacked: false,
        metrics: withLatest(metrics),
        period: period.days * DAY,
        yAxis: { left: { min: 0, label: unit, showUnits: false } },
        ...(horizontal.length > 0 && { annotations: { horizontal } }),
      });
    });
  const failures = [
    ...count(metricNamespace, "FailedChanges", { label: "failed changes", color: BAD }),
    ...count(metricNamespace, "Incidents", { label: "incidents", color: COUNT }),
  ];
  const commits = hours(metricNamespace, "CommitLeadTime", "p50", COMMITS);
  return [
    row(
      "Deployments",
      "deployments",
      count(metricNamespace, "Deployments", { label: "deployments", color: COUNT }),
      ({ days }) => deploymentsIn(days, doraBands.deploymentsPerDay),
    ),
    row(
      "Change lead time",
      "hours",
      [...durations(metricNamespace, "LeadTimeForChanges"), ...commits],
      () => doraBands.leadTimeHours,
    ),
    row(
      "Change fail rate",
      "%",
      shareOfChanges(metricNamespace, "FailedChanges", { label: "failed", color: BAD }),
      () => doraBands.changeFailRatePercent,
    ),
    row(
      "Failed deployment recovery time",
      "hours",
      durations(metricNamespace, "TimeToRecovery"),
      () => doraBands.recoveryHours,
    ),
    row(
      "Deployment rework rate",
      "%",
      shareOfChanges(metricNamespace, "ReworkDeployments", { label: "rework", color: BAD }),
    ),
    row("Failed changes and incidents", "number", failures),
  ];
}

/**
 * Who contributed how much in two weeks: each repository, then each team. CloudWatch's search finds
 * only what had values in the last two weeks, so a longer past would be one with gaps. Counts are
 * of days, since where its weeks begin is unknown: they would reach beyond the two weeks.
 */
function contributions(configuration: Configuration): Widget[][] {
  const { metricNamespace } = configuration;
  type Whole = Pick<Graph, "setPeriodToTimeRange" | "table">;
  const table = (title: string, metrics: Line[], columns: Whole) =>
    metric(configuration, THIRD, 4, {
      title: `${title}, two weeks`,
      view: "table",
      metrics,
      period: DAY,
      start: "-P14D",
      ...columns,
    });
  const sum = { table: columns({ showTimeSeriesData: false, summaryColumns: ["SUM"] }) };
  const whole = {
    setPeriodToTimeRange: true as const,
    table: columns({ showTimeSeriesData: true, summaryColumns: [] }),
  };
  return ["Repository", "Team"].map((dimension) => {
    const by = dimension.toLowerCase();
    const counted = (name: string) => countBy(metricNamespace, name, dimension);
    const leadTimes = medianHoursBy(metricNamespace, "LeadTimeForChanges", dimension);
    return [
      table(`Deployments by ${by}`, counted("Deployments"), sum),
      table(`Median lead time by ${by}, h`, leadTimes, whole),
      table(`Failed changes by ${by}`, counted("FailedChanges"), sum),
    ];
  });
}

const columns = (shown: Pick<Columns, "showTimeSeriesData" | "summaryColumns">): Columns => ({
  layout: "horizontal",
  stickySummary: false,
  ...shown,
});

function durations(namespace: string, name: string): Line[] {
  return [
    ...hours(namespace, name, "p50", MEDIAN),
    ...hours(namespace, name, "p90", P90),
    ...hours(namespace, name, "Average", MEAN),
  ];
}

function metric(
  { operations }: Configuration,
  width: number,
  height: number,
  graph: Graph,
): Widget {
  const properties = { region: operations.region, ...graph };
  return { type: "metric", width, height, properties };
}
