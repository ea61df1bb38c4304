import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Simulations and a busy machine: a limit that tells a hang from slowness.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
