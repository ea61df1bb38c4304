import { z } from 'zod';
import type { DesignInfo } from '../backends/backend.js';
import type { Circuit } from '../circuit/circuit.js';
import { CompileError } from '../errors.js';
import { deviceOf } from '../timing/device.js';
import type { Schedule } from '../timing/schedule.js';

const schema = z.object({
  schema: z.literal(1),
  // It becomes a file's name: nothing but an identifier.
  top: z.string().regex(/^[A-Za-z_]\w{0,127}$/, 'is no module name'),
  part: z.string(),
  clockMHz: z.number().positive(),
  latencyCycles: z.int().min(0),
  criticalPathNs: z.number().min(0),
  stage: z.array(z.int().min(0)),
  /** Three-operand adders: pairs of an adder and the one that it is part of. */
  parts: z.array(z.tuple([z.int().min(0), z.int().min(0)])).optional(),
});

/** What verification needs besides the circuit: the stage of each op. */
export function scheduleToText(schedule: Schedule, info: DesignInfo): string {
  const { device, clockMHz, latencyCycles, criticalPathNs } = schedule;
  const head = { schema: 1, top: info.top, part: device.ordered ?? device.part, clockMHz, latencyCycles, criticalPathNs: Math.round(criticalPathNs * 1e6) / 1e6 };
  const parts = schedule.partOf === undefined ? '' : `,\n"parts":${JSON.stringify(pairsOf(schedule.partOf))}`;
  return `${JSON.stringify(head).slice(0, -1)},\n"stage":[${schedule.stage.join(',')}]${parts}}\n`;
}

function pairsOf(partOf: Int32Array): [number, number][] {
  return [...partOf.entries()].filter(([, outer]) => outer >= 0);
}

/** The schedule of a circuit as it was written; arrival times are not kept. Throws CompileError (`input`). */
export function scheduleFromText(text: string, circuit: Circuit, file: string): { readonly schedule: Schedule; readonly top: string } {
  const refuse = (what: string): CompileError => new CompileError('input', { code: 'bad-schedule', where: [file], what, mend: 'Compile the model again.' });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw refuse('is not JSON.');
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw refuse(`is no schedule: ${parsed.error.issues[0]?.path.join('.') ?? ''} ${parsed.error.issues[0]?.message ?? ''}.`);
  const { stage, parts, top, part, clockMHz, latencyCycles, criticalPathNs } = parsed.data;
  if (stage.length !== circuit.size) throw refuse(`has ${stage.length} operations, the circuit ${circuit.size}: the two do not belong together.`);
  if (stage.some((s) => s >= Math.max(1, latencyCycles))) throw refuse('has an operation behind the last stage.');
  if (parts?.some(([op, outer]) => op >= outer || outer >= circuit.size) === true) throw refuse('has an adder that is part of none.');
  const partOf = parts === undefined ? undefined : new Int32Array(circuit.size).fill(-1);
  for (const [op, outer] of parts ?? []) (partOf as Int32Array)[op] = outer;
  return {
    top,
    schedule: {
      circuit, stage: Int32Array.from(stage), latencyCycles, initiationInterval: 1, clockMHz, device: deviceOf(part), criticalPathNs,
      arrivalNs: new Float32Array(circuit.size), ...(partOf === undefined ? {} : { partOf }),
    },
  };
}
