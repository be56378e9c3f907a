// The performance levels of a DORA study, as lines across the dashboard's graphs.

/** The levels of DORA's studies, best first. */
export const LEVELS = ["elite", "high", "medium", "low"] as const;
export type Level = (typeof LEVELS)[number];

/** A number for each level that has a line. */
export type Levels = Readonly<Partial<Record<Level, number>>>;

export interface DoraBands {
  /** The year of the study, which each line names. */
  readonly year: number;
  readonly deploymentsPerDay: Levels;
  readonly leadTimeHours: Levels;
  readonly changeFailRatePercent: Levels;
  readonly recoveryHours: Levels;
}

export interface Annotation {
  readonly label: string;
  readonly value: number;
  readonly color: string;
}

const COLOURS: Readonly<Record<Level, string>> = {
  elite: "#2ca02c",
  high: "#17a2b8",
  medium: "#e08a00",
  low: "#d62728",
};

/** The lines of these levels; those at the same height are one line. */
export function annotations(levels: Levels, year: number): Annotation[] {
  const lines = LEVELS.flatMap((level) => {
    const value = levels[level];
    return value === undefined ? [] : [{ level, value }];
  });
  const heights = [...new Set(lines.map(({ value }) => value))];
  return heights.map((height) => {
    const here = lines.filter(({ value }) => value === height).map(({ level }) => level);
    return { label: `${here.join(", ")} ${year}`, value: height, color: COLOURS[here[0]!] };
  });
}

/**
 * How many deployments in a period of so many days each level makes. A level of less than one has
 * no line there: it says nothing about a period that short.
 */
export function deploymentsIn(days: number, perDay: Levels): Levels {
  const inPeriod = Object.entries(perDay).map(([level, rate]) => [level, rounded(rate * days)]);
  return Object.fromEntries(inPeriod.filter(([, count]) => Number(count) >= 1));
}

const rounded = (count: number): number => Math.round(count * 10) / 10;
