import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CompileError } from '../../src/errors.js';
import { runProcess } from '../../src/verify/processes.js';
import { compareVersions, findTool, findTools, requireTools, TOOL_NAMES, toolInfo } from '../../src/verify/tools.js';

describe('the tools this machine needs', () => {
  it('has them, recent enough (if this fails: make setup)', async () => {
    const [verilator, compiler] = await requireTools(['verilator', 'g++']);
    expect(verilator?.root).toBeDefined();
    expect(compareVersions(verilator?.version ?? '0', toolInfo('verilator').minimum)).toBeGreaterThanOrEqual(0);
    expect(compiler?.version).toMatch(/^\d+\.\d+/);
  });

  it('lists every tool, there or not', async () => {
    const tools = await findTools();
    expect(tools.map((tool) => tool.info.name)).toEqual([...TOOL_NAMES]);
    for (const { info } of tools) expect(info.howToGet).not.toBe('');
  });
});

describe('versions', () => {
  it.each([
    ['5.006', '5.6', 0],
    ['5.038', '5.006', 1],
    ['4.228', '5.006', -1],
    ['12', '9.0', 1],
    ['0.9', '0.23', -1],
  ])('%s against %s', (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign);
  });
});

describe('where tools are looked for', () => {
  let root = '';
  const path = process.env['PATH'];
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'trigforge-test-'));
  });
  afterEach(() => {
    process.env['PATH'] = path;
    rmSync(root, { recursive: true, force: true });
  });

  function fake(folder: string, name: string, version: string): void {
    mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, folder, name), `#!/bin/sh\necho "fake ${version}"\n`);
    chmodSync(join(root, folder, name), 0o755);
  }

  it('the project-local environment comes before the PATH', async () => {
    fake('.venv/bin', 'g++', '13.2.0');
    fake('elsewhere', 'g++', '12.1.0');
    process.env['PATH'] = `${join(root, 'elsewhere')}:/bin:/usr/bin`;
    expect((await findTool('g++', root))?.version).toBe('13.2.0');
    rmSync(join(root, '.venv'), { recursive: true });
    expect((await findTool('g++', root))?.version).toBe('12.1.0');
  });

  it('one that is too old gives way to a recent one, and is named where there is none', async () => {
    fake('.venv/bin', 'g++', '4.8.5');
    fake('elsewhere', 'g++', '12.1.0');
    process.env['PATH'] = join(root, 'elsewhere');
    expect((await findTool('g++', root))?.version).toBe('12.1.0');
    rmSync(join(root, 'elsewhere'), { recursive: true });
    await expect(requireTools(['g++'], root)).rejects.toThrow(/is version 4\.8\.5, at least 9\.0 is needed\. Run 'make setup'/);
  });

  it('all that lack are named at once, with how to get them', async () => {
    process.env['PATH'] = join(root, 'nowhere');
    const error = await requireTools(['verilator', 'g++'], root).then(() => undefined, (e: unknown) => e);
    expect(error).toBeInstanceOf(CompileError);
    const { kind, problems } = error as CompileError;
    expect(kind).toBe('tool');
    expect(problems.map((problem) => problem.where[0])).toEqual(['verilator', 'g++']);
    expect(problems[0]?.mend).toContain('apt-get install verilator');
  });
});

describe('runProcess', () => {
  it('passes arguments as they are', async () => {
    const result = await runProcess('printf', ['%s|', 'a b', '$HOME', '; ls'], { timeoutSeconds: 10 });
    expect(result).toMatchObject({ exitCode: 0, stdout: 'a b|$HOME|; ls|', ended: 'itself' });
  });

  it('kills the whole group at time-out, grandchildren included', { timeout: 30_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trigforge-test-'));
    const late = join(folder, 'late');
    const started = Date.now();
    const result = await runProcess('sh', ['-c', `(sleep 3; touch "$0") & sleep 30`, late], { timeoutSeconds: 0.5 });
    expect(result.ended).toBe('timeout');
    expect(Date.now() - started).toBeLessThan(2900);
    await new Promise((resolve) => setTimeout(resolve, 3200));
    expect((await runProcess('ls', [late], { timeoutSeconds: 10 })).exitCode).not.toBe(0);
    rmSync(folder, { recursive: true });
  });

  it('says that a program is not there', async () => {
    expect((await runProcess('/no/such/program', [], { timeoutSeconds: 10 })).ended).toBe('not-started');
  });
});
