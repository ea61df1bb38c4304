import { CompileError } from '../errors.js';

/** A device as the delay and area models see it. Figures in ns; `source` says where they come from. */
export interface Device {
  readonly part: string;
  /** The part with package and speed grade, where the user named them. */
  readonly ordered?: string;
  readonly family: string;
  /** LUT inputs. */
  readonly lutInputs: number;
  /** Clock-to-output plus set-up of a register. */
  readonly registerNs: number;
  /** One LUT. */
  readonly lutNs: number;
  /** One hop of routing, mean. */
  readonly routeNs: number;
  /** Getting onto and off a carry chain. */
  readonly carryEntryNs: number;
  /** Carry per bit. */
  readonly carryNsPerBit: number;
  /** What the part holds; absent for generic targets. */
  readonly capacity?: Capacity;
  readonly source: string;
}

export interface Capacity {
  readonly lut: number;
  readonly ff: number;
  readonly dsp: number;
  readonly bram: number;
}

type Family = Omit<Device, 'part' | 'capacity'>;

const UNCALIBRATED = 'rounded by us, not yet calibrated against a vendor tool: read it as ±30 %';

const ULTRASCALE_PLUS: Family = {
  family: 'UltraScale+', lutInputs: 6, registerNs: 0.16, lutNs: 0.1, routeNs: 0.38, carryEntryNs: 0.22, carryNsPerBit: 0.013,
  source: `UltraScale+ speed grade -2: the 7-series figures scaled by process; ${UNCALIBRATED}`,
};
const ULTRASCALE: Family = {
  family: 'UltraScale', lutInputs: 6, registerNs: 0.24, lutNs: 0.13, routeNs: 0.45, carryEntryNs: 0.32, carryNsPerBit: 0.019,
  source: `UltraScale speed grade -2: the 7-series figures scaled by process; ${UNCALIBRATED}`,
};
const SERIES_7: Family = {
  family: '7-series', lutInputs: 6, registerNs: 0.33, lutNs: 0.124, routeNs: 0.55, carryEntryNs: 0.45, carryNsPerBit: 0.0285,
  source: `carry and LUT cells as in Yosys 0.23's 7-series simulation library, routing a mean hop; ${UNCALIBRATED}`,
};
const ECP5: Family = {
  family: 'ECP5', lutInputs: 4, registerNs: 0.52, lutNs: 0.24, routeNs: 0.85, carryEntryNs: 0.45, carryNsPerBit: 0.035,
  source: `cells as in Yosys 0.23's ECP5 simulation library, routing a mean hop; ${UNCALIBRATED}`,
};

const DEVICES: readonly Device[] = [
  { part: 'xcvu13p', ...ULTRASCALE_PLUS, capacity: { lut: 1_728_000, ff: 3_456_000, dsp: 12_288, bram: 2_688 } },
  { part: 'xcvu9p', ...ULTRASCALE_PLUS, capacity: { lut: 1_182_240, ff: 2_364_480, dsp: 6_840, bram: 2_160 } },
  { part: 'xczu7ev', ...ULTRASCALE_PLUS, capacity: { lut: 230_400, ff: 460_800, dsp: 1_728, bram: 312 } },
  { part: 'xcku115', ...ULTRASCALE, capacity: { lut: 663_360, ff: 1_326_720, dsp: 5_520, bram: 2_160 } },
  { part: 'xc7vx690t', ...SERIES_7, capacity: { lut: 433_200, ff: 866_400, dsp: 3_600, bram: 1_470 } },
  {
    part: 'xc7z020', ...SERIES_7, registerNs: 0.42, lutNs: 0.155, routeNs: 0.7, carryEntryNs: 0.56, carryNsPerBit: 0.036,
    capacity: { lut: 53_200, ff: 106_400, dsp: 220, bram: 140 },
  },
  { part: 'lfe5um5g-85f', ...ECP5, capacity: { lut: 83_640, ff: 83_640, dsp: 156, bram: 208 } },
  { part: 'generic-lut6', ...SERIES_7, family: 'generic LUT6' },
  { part: 'generic-lut4', ...ECP5, family: 'generic LUT4' },
  {
    part: 'asic', family: 'ASIC', lutInputs: 4, registerNs: 0.15, lutNs: 0.08, routeNs: 0.06, carryEntryNs: 0.08, carryNsPerBit: 0.025,
    source: `a generic 65 nm-like library in gate delays; ${UNCALIBRATED}`,
  },
];

export const PART_NAMES: readonly string[] = DEVICES.map((device) => device.part);

/** Package and speed grade behind a part's name, as orders have them: `-flga2577-2-e`, `ffg1927-2`. */
const ORDERED = /^-?[a-z]{3,4}\d{3,4}-\d[a-z]{0,2}(-[a-z])?$/;

/** The device of a part name; package and speed suffixes (`xcvu13p-flga2577-2-e`) are accepted, and no concern of the models. */
export function deviceOf(part: string): Device {
  const wanted = part.trim().toLowerCase();
  const device = DEVICES.find((d) => wanted === d.part || wanted.startsWith(`${d.part}-`) || wanted.startsWith(`${d.part}f`) || (wanted.startsWith(d.part) && ORDERED.test(wanted.slice(d.part.length))));
  if (device !== undefined) return ORDERED.test(wanted.slice(device.part.length)) ? { ...device, ordered: wanted } : device;
  throw new CompileError('config', {
    code: 'unknown-part',
    where: ['--part'],
    what: `'${part}' is not a part we know.`,
    mend: `Known parts: ${PART_NAMES.join(', ')}.`,
  });
}

/** What a stage's logic may take: the period less the register. */
export function stageRoomNs(device: Device, clockMHz: number): number {
  return 1000 / clockMHz - device.registerNs;
}
