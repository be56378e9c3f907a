// Matches events as EventBridge does, as far as the rules here need it: objects
// of lists of exact values. Anything else in a pattern is an error.

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export function matches(pattern: Json, event: Json | undefined): boolean {
  if (!isObject(pattern)) throw new Error(`not a pattern: ${JSON.stringify(pattern)}`);
  if (event === undefined || !isObject(event)) return false;
  return Object.entries(pattern).every(([key, allowed]) =>
    Array.isArray(allowed) ? anyOf(allowed, event[key]) : matches(allowed, event[key]),
  );
}

function anyOf(allowed: Json[], value: Json | undefined): boolean {
  const operator = allowed.find((each) => typeof each !== "string");
  if (operator !== undefined) throw new Error(`not a text: ${JSON.stringify(operator)}`);
  const values = Array.isArray(value) ? value : [value];
  return values.some((each) => each !== undefined && allowed.includes(each));
}

const isObject = (value: Json): value is { [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);
