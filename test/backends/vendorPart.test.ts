import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { partTcl, vendorPart } from '../../src/backends/vitis/vitis.js';
import { deviceOf, PART_NAMES } from '../../src/timing/device.js';

const hasTcl = spawnSync('tclsh', [], { input: 'exit 0' }).status === 0;

/** The part that a script with this beginning takes, or how it ends. */
function taken(part: string, environment: Readonly<Record<string, string>> = {}): string {
  const { status, stdout } = spawnSync('tclsh', [], { input: `${partTcl(deviceOf(part))}\nputs $part\n`, encoding: 'utf8', env: { PATH: process.env['PATH'], ...environment } });
  return `${status} ${stdout.trim()}`;
}

describe('the device in scripts for AMD’s tools', () => {
  it('is a full name for each of AMD’s parts, the user’s own where it is full, and none for others', () => {
    const known = Object.fromEntries(PART_NAMES.map((part) => [part, vendorPart(deviceOf(part))]));
    for (const [part, full] of Object.entries(known)) {
      if (part.startsWith('xc')) expect(full).toMatch(new RegExp(`^${part}-?[a-z]{3,4}\\d{3,4}-\\d`));
      else expect(full).toBeUndefined();
    }
    expect(Object.values(known).filter((full) => full !== undefined)).toHaveLength(6);
    for (const full of ['xcvu9p-fsgd2104-3-e', 'xc7vx690tffg1158-3', 'xc7z020clg484-2', 'xcvu13p-flga2577-1']) expect(vendorPart(deviceOf(full))).toBe(full);
    for (const odd of ['xcvu13p-2', 'xcvu13p-"; exec ls', 'xcvu13p-flga2577-2-e; exit']) expect(vendorPart(deviceOf(odd))).toBe('xcvu13p-flga2577-2-e');
  });

  it.runIf(hasTcl)('is the environment’s, else the design’s; without either the script ends with an error', () => {
    expect(taken('xczu7ev')).toBe('0 xczu7ev-ffvc1156-2-e');
    expect(taken('xczu7ev', { PART: 'xcvu9p-flga2104-2-i' })).toBe('0 xcvu9p-flga2104-2-i');
    expect(taken('lfe5um5g-85f')).toBe('1 ERROR: compiled for lfe5um5g-85f, which these tools do not make: set PART to a device of theirs');
    expect(taken('asic', { PART: 'xcvu13p-flga2577-2-e' })).toBe('0 xcvu13p-flga2577-2-e');
  });
});
