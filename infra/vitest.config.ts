import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/scratch.ts",
    // Loading the CDK takes seconds, and once is enough: no test changes a global.
    isolate: false,
  },
});
