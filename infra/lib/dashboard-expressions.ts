// The numbers of the dashboard in CloudWatch's metric mathematics. A graph's
// lines reference each other by id, within that graph alone.

import { published } from "./metric-catalogue.ts";

/** One line of a graph: a metric, or an expression over other lines. */
export type Line = readonly [...(string | LineOptions)[]];

/** What is said of a line beside the metric. */
export interface LineOptions {
  readonly id?: string;
  readonly expression?: string;
  readonly stat?: string;
  readonly label?: string;
  readonly color?: string;
  readonly visible?: boolean;
}

/** How a line of a graph is to look. */
export interface Look {
  readonly label: string;
  readonly color: string;
}

/**
 * What the viewer chooses to see, as a number that a dashboard variable replaces wherever it
 * stands: so it must stand nowhere else.
 */
export const SCOPE = { all: 7000, team: 7001, repository: 7002 } as const;

/** What stands for the viewer's choice until the console puts it in. */
export const UNCHOSEN = "-";

const SECONDS_PER_HOUR = 3600;
const SECONDS_PER_DAY = 86_400;

/** How often deployments happened: their number by day, over the graph's period. */
export function deploymentsPerDay(namespace: string, look: Look): Line[] {
  return [
    ...chosen(namespace, "deployments", "Deployments", "Sum"),
    shown(`deployments / (PERIOD(deployments_all) / ${SECONDS_PER_DAY})`, look),
  ];
}

/** How often something happened in each period. A period without it has no value. */
export function count(namespace: string, metric: string, look: Look): Line[] {
  const id = metric.toLowerCase();
  return [...chosen(namespace, id, metric, "Sum"), shown(id, look)];
}

/** A statistic of a duration, in hours. */
export function hours(namespace: string, metric: string, stat: string, look: Look): Line[] {
  const id = `${metric}_${stat}`.toLowerCase();
  return [
    ...chosen(namespace, id, metric, stat),
    shown(`${id} / ${SECONDS_PER_HOUR}`, look),
  ];
}

/**
 * The share of changes that are of a kind, in percent: 0 in a period in which none is, no value in
 * one without changes.
 */
export function shareOfChanges(namespace: string, metric: string, look: Look): Line[] {
  return [
    ...chosen(namespace, "changes", "Changes", "Sum"),
    ...chosen(namespace, "some", metric, "Sum"),
    shown("IF(changes > 0, 100 * FILL(some, 0) / changes)", look),
  ];
}

/** The sum of a metric by day for each value of a dimension, whichever values there come to be. */
export function countBy(namespace: string, metric: string, dimension: string): Line[] {
  const found = search(namespace, metric, dimension, `'Sum', ${SECONDS_PER_DAY}`);
  return [[{ expression: found, ...named(dimension) }]];
}

/** The median of a duration, in hours and over the graph's period, for each value of a dimension. */
export function medianHoursBy(namespace: string, metric: string, dimension: string): Line[] {
  const found = search(namespace, metric, dimension, "'p50'");
  return [[{ expression: `${found} / ${SECONDS_PER_HOUR}`, ...named(dimension) }]];
}

/** The lines with their latest value in the legend. */
export function withLatest(lines: readonly Line[]): Line[] {
  return lines.map((line) =>
    line.map((part) =>
      typeof part === "object" && part.label !== undefined
        ? { ...part, label: `${part.label}: \${LAST}` }
        : part,
    ),
  );
}

/** A statistic of a metric for the whole organisation, or for what the viewer chose. */
function chosen(namespace: string, id: string, metric: string, stat: string): Line[] {
  const hidden = (suffix: string) => ({ id: `${id}_${suffix}`, stat, visible: false });
  const name = published(metric);
  const ofTeam = `${SCOPE.all} == ${SCOPE.team}`;
  const ofRepository = `${SCOPE.all} == ${SCOPE.repository}`;
  const others = `IF(${ofRepository}, ${id}_repository, ${id}_all)`;
  return [
    [namespace, name, hidden("all")],
    [namespace, name, "Team", UNCHOSEN, hidden("team")],
    [namespace, name, "Repository", UNCHOSEN, hidden("repository")],
    [{ expression: `IF(${ofTeam}, ${id}_team, ${others})`, id, visible: false }],
  ];
}

function shown(expression: string, look: Look): Line {
  return [{ expression, ...look }];
}

function search(
  namespace: string,
  metric: string,
  dimension: string,
  statAndPeriod: string,
): string {
  return `SEARCH('{"${namespace}",${dimension}} MetricName="${published(metric)}"', ${statAndPeriod})`;
}

const named = (dimension: string) => ({ label: `\${PROP('Dim.${dimension}')}` });
