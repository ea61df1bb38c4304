import { defineConfig } from 'vitest/config';

/** Golden tests: whole models that lie beside the repository (`../shared`); slow, so not part of the default suite. */
export default defineConfig({
  test: {
    include: ['test/golden/**/*.test.ts'],
    testTimeout: 1_200_000,
    hookTimeout: 600_000,
    fileParallelism: false,
  },
});
