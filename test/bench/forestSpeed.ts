import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readModel, typeModel } from '../../src/compile/model.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import { readNpy } from '../../src/io/npy.js';
import { lowerGraph } from '../../src/layers/lower.js';
import { runPasses } from '../../src/passes/pass.js';
import { defaultPasses } from '../../src/passes/pipeline.js';

/*
 * Bit-exact emulation against XGBoost's own predict, one thread each, in one run, by the time of the processor: float64 array to float64 scores here, float32
 * array to scores there. npx tsx test/bench/forestSpeed.ts PYTHON_WITH_XGBOOST
 *
 * Million events a second, other jobs on the same two processors:
 *
 * | | jets5q6 | jets5q8 | zmumuq8 |
 * |---|---|---|---|
 * | emulator | 16.1 | 7.6 | 8.1 |
 * | XGBoost 3.2.0, predict(DMatrix(x)) | 1.69 | 1.08 | 0.92 |
 * | XGBoost 3.2.0, inplace_predict(x) | 2.71 | 1.55 | 1.15 |
 */

const WORKLOADS = [
  { model: 'xgb_jets5q6_10x5_d3', data: 'jets5q6', inputType: 'ufixed<6,6>' },
  { model: 'xgb_jets5q8_15x5_d4', data: 'jets5q8', inputType: 'ufixed<8,8>' },
  { model: 'xgb_zmumuq8_100x4', data: 'zmumuq8', inputType: 'ufixed<8,8>' },
];

const PREDICT = `
import sys, time, numpy, xgboost
booster = xgboost.Booster({'nthread': 1})
booster.load_model(sys.argv[1])
booster.set_param({'nthread': 1})
x = numpy.load(sys.argv[2]).astype(numpy.float32)
x = numpy.ascontiguousarray(numpy.tile(x, (-(-int(sys.argv[3]) // len(x)), 1))[:int(sys.argv[3])])
def best_of(run):
    best = 0
    for _ in range(7):
        start = time.process_time()
        run()
        best = max(best, len(x) / (time.process_time() - start))
    return best
print(best_of(lambda: booster.predict(xgboost.DMatrix(x, nthread=1), output_margin=True)), best_of(lambda: booster.inplace_predict(x, predict_type='margin')))
`;

const EVENTS = 100_000;
const shared = resolve(import.meta.dirname, '../../../shared');
const python = process.argv[2];

for (const { model, data, inputType } of WORKLOADS) {
  const file = join(shared, 'models/trees', model, 'model.json');
  const rows = join(shared, `data/${data}_test_X.npy`);
  const graph = readModel({ name: 'model.json', bytes: readFileSync(file) }, () => undefined);
  const { graph: typed } = await typeModel(graph, { inputType, effort: 'normal', part: 'xcvu9p' }, {});
  const { circuit } = runPasses(lowerGraph(typed, { name: data }), defaultPasses, { check: false });
  const emulator = compileEmulator(circuit);
  const test = readNpy(readFileSync(rows), [rows]).data;
  const width = circuit.inputs[0]?.shape.reduce((a, b) => a * b, 1) as number;
  const x = Float64Array.from({ length: EVENTS * width }, (_, i) => test[i % test.length] as number);
  let best = 0;
  for (let i = 0; i < 100; i++) {
    const start = process.cpuUsage();
    emulator.run([x], EVENTS);
    const { user, system } = process.cpuUsage(start);
    best = Math.max(best, EVENTS / ((user + system) / 1e6));
  }
  const rounded = (value: number): number => Math.round(value / 1000);
  console.log(JSON.stringify({ workload: data, ops: circuit.size, engine: emulator.engine, thousandPerSecond: rounded(best) }));
  if (python === undefined) continue;
  const theirs = execFileSync(python, ['-c', PREDICT, file, rows, String(EVENTS)], { encoding: 'utf8', env: { ...process.env, OMP_NUM_THREADS: '1' } }).trim().split(' ').map(Number);
  ['predict(DMatrix(x))', 'inplace_predict(x)'].forEach((name, i) => {
    console.log(JSON.stringify({ xgboost: name, thousandPerSecond: rounded(theirs[i] as number), ratio: Math.round((best / (theirs[i] as number)) * 10) / 10 }));
  });
}
