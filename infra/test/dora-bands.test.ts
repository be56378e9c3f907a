import { describe, expect, it } from "vitest";
import bands from "../../crates/dora-core/dora-bands.json" with { type: "json" };
import { configuration } from "../config.ts";
import { annotations, deploymentsIn } from "../lib/dora-bands.ts";

describe("the lines of DORA's levels", () => {
  it("name the level and the year of the study", () => {
    expect(annotations({ elite: 24, high: 168 }, 2024)).toMatchObject([
      { label: "elite 2024", value: 24 },
      { label: "high 2024", value: 168 },
    ]);
  });

  it("are one where levels are at the same height", () => {
    expect(annotations({ elite: 1, high: 24, medium: 24 }, 2023)).toMatchObject([
      { label: "elite 2023", value: 1 },
      { label: "high, medium 2023", value: 24 },
    ]);
  });

  it("are at as many deployments as the period has days for", () => {
    const perDay = { elite: 1, high: 1 / 7, medium: 1 / 30 };
    expect(deploymentsIn(1, perDay)).toEqual({ elite: 1 });
    expect(deploymentsIn(7, perDay)).toEqual({ elite: 7, high: 1 });
    expect(deploymentsIn(30, perDay)).toEqual({ elite: 30, high: 4.3, medium: 1 });
  });

  it("are, as delivered, those by which `dora report` judges", () => {
    expect(configuration.doraBands).toEqual(bands);
  });
});
