import { defineConfig } from 'vitest/config';

/** Tests that start a Slurm cluster on this machine: `make test-cluster`. */
export default defineConfig({ test: { include: ['test/cluster/**/*.test.ts'], testTimeout: 300_000, hookTimeout: 120_000 } });
