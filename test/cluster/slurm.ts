import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** A Slurm cluster of one node, this machine, for the time of a test. */
export interface Cluster {
  /** For SLURM_CONF. */
  readonly config: string;
  readonly stop: () => Promise<void>;
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts munged, slurmctld and slurmd with everything they write in a folder of their own; waits until the node is idle. */
export async function startCluster(cpus: number): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'slurm-'));
  const config = join(folder, 'slurm.conf');
  const socket = join(folder, 'munge/socket');
  for (const name of ['munge', 'state', 'spool']) mkdirSync(join(folder, name), { mode: 0o755 });
  writeFileSync(join(folder, 'munge/key'), randomBytes(128), { mode: 0o600 });
  const node = hostname().split('.')[0] as string;
  writeFileSync(config, [
    'ClusterName=test', `SlurmctldHost=${node}(127.0.0.1)`, `SlurmUser=${userInfo().username}`, `SlurmdUser=${userInfo().username}`,
    'AuthType=auth/munge', `AuthInfo=socket=${socket}`, `SlurmctldPort=${await freePort()}`, `SlurmdPort=${await freePort()}`,
    `StateSaveLocation=${join(folder, 'state')}`, `SlurmdSpoolDir=${join(folder, 'spool')}`, `SlurmctldPidFile=${join(folder, 'ctld.pid')}`, `SlurmdPidFile=${join(folder, 'd.pid')}`,
    'ProctrackType=proctrack/linuxproc', 'TaskPlugin=task/none', 'MpiDefault=none', 'ReturnToService=2', 'SelectType=select/cons_tres', 'SelectTypeParameters=CR_Core', 'SchedulerParameters=sched_min_interval=0',
    `NodeName=${node} NodeAddr=127.0.0.1 CPUs=${cpus} State=UNKNOWN`, `PartitionName=test Nodes=${node} Default=YES MaxTime=INFINITE State=UP`, '',
  ].join('\n'));
  const logs: string[] = [];
  const start = (command: string, ...words: string[]): ChildProcess => {
    const child = spawn(command, words, { env: { ...process.env, SLURM_CONF: config }, stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (text: Buffer): void => void logs.push(`${command}: ${text.toString()}`);
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    return child;
  };
  const daemons = [start('munged', '--foreground', '--force', `--socket=${socket}`, `--key-file=${join(folder, 'munge/key')}`, `--pid-file=${join(folder, 'munge/pid')}`, `--log-file=${join(folder, 'munge/log')}`, `--seed-file=${join(folder, 'munge/seed')}`)];
  const stop = async (): Promise<void> => {
    for (const daemon of daemons.reverse()) {
      const gone = new Promise((resolve) => daemon.once('exit', resolve));
      if (daemon.exitCode === null && daemon.kill('SIGTERM')) await gone;
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const sinfo = (): string => spawnSync('sinfo', ['--noheader', '--format=%t'], { encoding: 'utf8', env: { ...process.env, SLURM_CONF: config } }).stdout;
  await new Promise((resolve) => setTimeout(resolve, 1000));
  daemons.push(start('slurmctld', '-D', '-f', config), start('slurmd', '-D', '-f', config, '-N', node));
  for (let second = 0; second < 60; second++) {
    if (sinfo().trim() === 'idle') return { config, stop };
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  const munge = readFileSync(join(folder, 'munge/log'), 'utf8');
  await stop();
  throw new Error(`The cluster does not come up.\n${logs.join('')}\n${munge}`);
}
