// Nothing compiles `config.ts` before it is used, so a misspelt setting would be none,
// and a list that is no list would fail somewhere else. Here it is named.

/** What a value must be: text, a number, a list or a table of such, or these settings. */
export type Shape = "text" | "number" | readonly [Shape] | { readonly each: Shape } | Settings;

export interface Settings {
  readonly settings: Readonly<Record<string, Shape>>;
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Everything that is not of its shape, each with the field's name and what is allowed. */
export function misshapen(field: string, value: unknown, shape: Shape): string[] {
  const wrong = (allowed: string): string[] => [
    `${field} is ${JSON.stringify(value)}; allowed: ${allowed}`,
  ];
  if (shape === "text") return typeof value === "string" ? [] : wrong("text, in quotes");
  if (shape === "number") return typeof value === "number" ? [] : wrong("a number, without quotes");
  if (Array.isArray(shape)) {
    return Array.isArray(value)
      ? value.flatMap((each, i) => misshapen(`${field}[${i}]`, each, shape[0]))
      : wrong("a list, in brackets");
  }
  if (!isTable(value)) return wrong("a table, in braces");
  if ("each" in shape) {
    return Object.entries(value).flatMap(([key, each]) =>
      misshapen(`${field}["${key}"]`, each, shape.each),
    );
  }
  const { settings } = shape as Settings;
  const name = (key: string): string => (field === "" ? key : `${field}.${key}`);
  const unknown = Object.keys(value).filter((key) => !(key in settings));
  return [
    ...unknown.map(
      (key) => `${name(key)} is no setting; allowed: ${Object.keys(settings).join(", ")}`,
    ),
    ...Object.entries(settings).flatMap(([key, of]) =>
      value[key] === undefined ? [`${name(key)} is missing`] : misshapen(name(key), value[key], of),
    ),
  ];
}
