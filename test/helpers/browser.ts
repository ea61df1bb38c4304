import { spawnSync } from 'node:child_process';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** The command of a Chromium on this machine. Throws where there is none: pages that nobody opened are not tested. */
export function findBrowser(): string {
  const name = NAMES.find((candidate) => spawnSync(candidate, ['--version']).status === 0);
  if (name === undefined) throw new Error(`none of ${NAMES.join(', ')} is installed: run testbench/setup-tools.sh tests, or apt-get install chromium`);
  return spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
}
