// What the functions publish, from the catalogue that Rust is held to: a panel
// of anything else would stay empty, and nobody would be told.

import catalogue from "../../crates/dora-core/metrics.json" with { type: "json" };

/** The names of all metrics. */
export const METRICS: readonly string[] = catalogue.metrics.map(({ name }) => name);

/** The metric's name again, if it is published. */
export function published(name: string): string {
  if (!METRICS.includes(name)) throw new Error(`no function publishes the metric ${name}`);
  return name;
}

/** The unit in which the metric is published. */
export function unitOf(name: string): string | undefined {
  return catalogue.metrics.find((metric) => metric.name === name)?.unit;
}
