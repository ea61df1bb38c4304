import { configDefaults, defineConfig } from 'vitest/config';

/** The tests that stand alone; models beside the repository have `vitest.golden.config.ts`, a Slurm cluster `vitest.cluster.config.ts`. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/golden/**', 'test/cluster/**'],
    // Simulations and a busy machine: a limit that tells a hang from slowness.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
