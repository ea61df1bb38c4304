import { finishReport } from '../../src/report/parse.js';
import type { Report, ReportDraft, ReportLayer } from '../../src/report/schema.js';

const area = (lut: number, ff: number): ReportLayer['resources'] => ({ lut, ff, dsp: 0, bram: 0 });
const hash = (digit: string): string => digit.repeat(64);

const layers: readonly ReportLayer[] = [
  { name: 'input_offset', inputs: ['objects'], verilogLines: [20, 45], kind: 'elementwise', outputType: 'fixed<14,6,RND_CONV,SAT>', outputShape: [57], resources: area(412, 798), cycles: 1, stages: [0, 0], range: { proven: [-32, 31.99609375], observed: [-11.5, 31.99609375] }, operations: 171 },
  { name: 'dense_1', inputs: ['input_offset'], verilogLines: [50, 75], kind: 'dense', outputType: 'fixed<19,9>', outputShape: [29], resources: area(2364, 611), cycles: 3, stages: [1, 3], range: { proven: [-217.25, 198.6875], observed: [-64.125, 71.0625] }, operations: 1204 },
  { name: 'relu_1', inputs: ['dense_1'], verilogLines: [80, 105], kind: 'activation', outputType: 'ufixed<8,4,RND,SAT>', outputShape: [29], resources: area(311, 0), cycles: 0, stages: [3, 3], range: { proven: [0, 15.9375], observed: [0, 15.9375] }, operations: 58 },
  { name: 'dense_2', inputs: ['relu_1'], verilogLines: [110, 135], kind: 'dense', outputType: 'fixed<15,7>', outputShape: [10], resources: area(968, 287), cycles: 2, stages: [4, 5], range: { proven: [-58.5, 61.75], observed: [-18.75, 22.5] }, operations: 402 },
  { name: 'relu_2', inputs: ['dense_2'], verilogLines: [140, 165], kind: 'activation', outputType: 'ufixed<8,4,RND,SAT>', outputShape: [10], resources: area(104, 0), cycles: 0, stages: [5, 5], range: { proven: [0, 15.9375], observed: [0, 14.25] }, operations: 20 },
  { name: 'z_mean', inputs: ['relu_2'], verilogLines: [170, 195], kind: 'dense', outputType: 'fixed<14,6>', outputShape: [8], resources: area(402, 142), cycles: 2, stages: [6, 7], range: { proven: [-27.125, 30.5], observed: [-9.875, 12.0625] }, operations: 173 },
  { name: 'score', inputs: ['z_mean'], verilogLines: [200, 225], kind: 'dot', outputType: 'ufixed<18,14>', outputShape: [1], resources: area(251, 92), cycles: 1, stages: [7, 8], range: { proven: [0, 7442], observed: [0, 612.25] }, operations: 31 },
];

/** An AXOL1TL-like anomaly trigger: 57 inputs, 7 layers, 9 stages, everything filled in. */
export const sampleDraft: ReportDraft = {
  tool: { name: 'trigforge', version: '0.1.0' },
  model: {
    name: 'axol1tl_like', format: 'qonnx', sha256: hash('a'), parameters: 2391, version: 5, top: 'axol1tl_like', operations: 2059,
    inputs: [{ name: 'objects', shape: [57], type: 'fixed<18,13>', bits: 1026 }],
    outputs: [{ name: 'score', shape: [1], type: 'ufixed<18,14>', bits: 18 }],
  },
  device: { part: 'xcvu13p', family: 'Virtex UltraScale+', capacity: { lut: 1728000, ff: 3456000, dsp: 12288, bram: 2688 } },
  budget: { clockMHz: 320, latencyNs: 50, latencyCycles: 16, stated: '50 ns at 320 MHz' },
  latency: { cycles: 9, ns: 28.125, initiationInterval: 1, combinational: false },
  timing: {
    criticalPathNs: 2.914, fmaxMHz: 343.2, source: 'estimated', criticalStage: 2,
    delayModel: 'Sum of LUT, carry and mean routing delays for the -2 speed grade; an estimate, not static timing analysis.',
  },
  resources: { estimated: { lut: 4812, ff: 1930, dsp: 0, bram: 0 }, areaModel: 'One LUT a sum bit, two mux bits a LUT; registers counted exactly before retiming.' },
  layers,
  accuracy: { metric: 'auc', float: 0.9137, fixed: 0.9131, loss: 0.0006, maxLoss: 0.005, events: 12000,
    curves: [{
      score: 'score', bins: [0, 612.25], histograms: [{ events: 'background', float: [9, 2, 1], fixed: [9, 3, 0] }, { events: 'signal', float: [1, 3, 8], fixed: [1, 2, 9] }],
      roc: { float: [[0, 0], [0.1, 0.8], [1, 1]], fixed: [[0, 0], [0.1, 0.79], [1, 1]], background: 6000, signal: 6000 },
    }],
  },
  overflow: {
    provenSafe: true, wraps: [],
    saturates: [{ layer: 'relu_1', type: 'ufixed<8,4,RND,SAT>', proven: [0, 198.6875], holds: [0, 15.9375], elements: 29 }],
  },
  verification: {
    vectors: 1604, mismatches: 0, simulator: 'verilator 5.006', seed: 1,
    checks: [
      { name: 'back to back', vectors: 1604, mismatches: 0 },
      { name: 'with bubbles in valid', vectors: 401, mismatches: 0 },
      { name: 'across reset', vectors: 64, mismatches: 0 },
    ],
  },
  passes: [
    { name: 'lower', seconds: 0.412, opsBefore: 0, opsAfter: 3120 },
    { name: 'fold-constants', seconds: 0.021, opsBefore: 3120, opsAfter: 2764 },
    { name: 'share-subexpressions', seconds: 0.034, opsBefore: 2764, opsAfter: 2103 },
    { name: 'remove-dead', seconds: 0.008, opsBefore: 2103, opsAfter: 2059 },
  ],
  artifacts: [
    { path: 'model.json', sha256: hash('b') },
    { path: 'circuit.txt', sha256: hash('c') },
    { path: 'verilog/axol1tl_like.v', sha256: hash('d') },
  ],
  precision: [
    { layer: 'objects', role: 'input', type: 'fixed<18,13>', source: 'option', note: '--input-type' },
    { layer: 'input_offset', role: 'result', type: 'fixed<14,6,RND_CONV,SAT>', source: 'model' },
    { layer: 'dense_1', role: 'weight', type: 'fixed<5,2>', source: 'model' },
    { layer: 'dense_1', role: 'result', type: 'fixed<19,9>', source: 'auto', resolution: '2^-10', note: 'exact' },
    { layer: 'relu_1', role: 'result', type: 'ufixed<8,4,RND,SAT>', source: 'config' },
    { layer: 'score', role: 'result', type: 'ufixed<18,14>', source: 'config' },
  ],
  warnings: [
    { code: 'input-saturates', where: ['axol1tl.onnx', 'input_offset'], what: '12 of 12 000 events saturate fixed<14,6>.', mend: 'Use fixed<15,7> if they matter.' },
  ],
  options: { command: ['compile-model', 'axol1tl.onnx', '--clock', '320MHz', '--latency', '50ns', '--input-type', 'fixed<18,13>'], seed: 1 },
  criticalPath: [
    { layer: 'dense_1', ns: 1.922, operation: 'add ×3' },
    { layer: 'dense_1', ns: 0.992, operation: 'register and routing' },
  ],
  pipeline: [
    { ns: 1.412, ff: 798 }, { ns: 2.871, ff: 302 }, { ns: 2.914, ff: 211 }, { ns: 2.644, ff: 98 }, { ns: 2.733, ff: 190 },
    { ns: 2.512, ff: 97 }, { ns: 2.402, ff: 142 }, { ns: 2.291, ff: 74 }, { ns: 1.087, ff: 18 },
  ],
};

/** The sample, finished, with some parts of the draft replaced. */
export function sampleReport(changes: Partial<ReportDraft> = {}): Report {
  return finishReport({ ...sampleDraft, ...changes });
}

/** The sample with 19 stages against a locked 16, a too slow stage, and what was tried. */
export function unmetReport(): Report {
  return sampleReport({
    latency: { cycles: 19, ns: 59.375, initiationInterval: 1, combinational: false },
    timing: { criticalPathNs: 3.4, fmaxMHz: 294.1, source: 'estimated', criticalStage: 2 },
    pipeline: Array.from({ length: 19 }, (_, s) => ({ ns: s === 2 ? 3.4 : 2.2 + (s % 4) * 0.2, ff: 80 + 11 * s })),
    layers: layers.map((l) => ({ ...l, cycles: 2 * l.cycles + (l.name === 'score' ? 1 : 0), stages: [2 * (l.stages?.[0] ?? 0), 2 * (l.stages?.[1] ?? 0) + (l.name === 'score' ? 2 : 1)] as const })),
    criticalPath: [{ layer: 'input_offset', ns: 2.1, operation: 'add' }, { layer: 'dense_1', ns: 1.3, operation: 'register and routing' }],
    suggestions: [
      { change: '--latency 60ns', met: true, cycles: 19, ns: 59.375, lut: 4812 },
      { change: '--clock 280MHz', met: false, cycles: 15, ns: 53.571, lut: 4790, note: '1 cycle too many' },
    ],
  });
}

/** The report without its optional parts: what an early compilation knows. */
export function bareReport(): Report {
  const { tool, model, budget, latency, timing, resources, passes, artifacts } = sampleDraft;
  return finishReport({
    tool, model, latency, timing: { criticalPathNs: timing.criticalPathNs, source: timing.source }, passes, artifacts,
    budget: { clockMHz: budget.clockMHz }, resources: { estimated: resources.estimated },
    layers: [{ name: 'dense_1', kind: 'dense', resources: area(4812, 1930), cycles: 9 }],
    overflow: { provenSafe: false, wraps: [] },
  });
}

/** What an attacker would call a layer. */
export const HOSTILE_NAME = `<script>alert('x')</script>"><img src=x onerror="y()">&amp;\u001b[2J\u202e\u0000`;

/** The sample with every free text hostile: names, types, texts, command, paths. */
export function hostileReport(): Report {
  const poison = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return KEEP.has(key) ? value : HOSTILE_NAME;
    if (Array.isArray(value)) return value.map((v) => poison(v, key));
    if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, poison(v, k)]));
    return value;
  };
  return finishReport(poison({ ...sampleDraft, suggestions: unmetReport().suggestions }, '') as ReportDraft);
}

const KEEP = new Set(['sha256', 'source', 'events']);
