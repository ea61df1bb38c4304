import { readFileSync } from 'node:fs';
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { CompileError } from '../../../src/errors.js';
import { readGraph } from '../../helpers/hgq2.js';

/** What reading a fixture says once a text of its description is another. */
function messageOf(fixture: string, from: string | RegExp, to: string): string {
  const folder = `test/fixtures/hgq2_${fixture}`;
  const entries = unzipSync(readFileSync(`${folder}/model.keras`));
  const config = strFromU8(entries['config.json'] as Uint8Array);
  const changed = config.replace(from, to);
  expect(changed, 'the text to be replaced is not there').not.toBe(config);
  try {
    readGraph(folder, zipSync({ ...entries, 'config.json': strToU8(changed) }, { level: 0 }));
  } catch (error) {
    expect(error).toBeInstanceOf(CompileError);
    expect(['input', 'unsupported']).toContain((error as CompileError).kind);
    return (error as CompileError).message;
  }
  return 'no error';
}

describe('HGQ2 models that are wrong or not supported get one clear message', () => {
  it.each([
    ['a minifloat quantiser', 'dense', '"q_type": "kif"', '"q_type": "float"', /relu: has in iq_conf a quantiser of type float, which is no fixed-point one/],
    ['a rounding that does not exist', 'dense', '"round_mode": "RND"', '"round_mode": "ROUND"', /rounds in \w+_conf by ROUND; supported: TRN, /],
    ['an overflow that is not supported', 'dense', '"overflow_mode": "WRAP"', '"overflow_mode": "WRAP_SM"', /overflows in \w+_conf by WRAP_SM; supported: WRAP, SAT, SAT_SYM/],
    ['no quantiser where one is on', 'dense', /"iq_conf": \{"module".*?"registered_name": "hgq>QuantizerConfig"[^}]*\}/s, '"iq_conf": null', /needs the configuration of a quantiser as iq_conf/],
    ['another type of quantiser than its variables are of', 'dense', '"use_bias": true', '"use_bias": "maybe"', /use_bias: is "maybe"; true or false is needed/],
    ['an affine map of three numbers', 'affine', /"affine": \[0\.25, 0\.5\]/, '"affine": [1, 2, 3]', /a factor and a shift is needed/],
    ['an infinite scaler', 'affine', '"scaler": 0.3', '"scaler": Infinity', /third: .*divisor must be finite/],
    ['an activation that is not known', 'activated', /"activation": "tanh"/, '"activation": "my_function"', /tanh: has the activation "my_function"/],
    ['a softmax over an axis that is not there', 'softmax', /"axes": \[2\]/, '"axes": [7]', /plain.*axis 7/],
    ['an equation without arrow', 'reductions', /"equation": "[a-zA-Z,]+->([a-zA-Z]+)"([^}]*"name": "outer"|)/, '"equation": "abc"', /equation/i],
    ['tables for another width', 'tables', '"n_out": 3', '"n_out": 5', /dense_t: has sub-networks for other than 6 by 5 connections/],
    ['a hidden width that does not fit', 'tables', '"d_hl": 4', '"d_hl": 7', /dense_t/],
    ['a state kept between events', 'recurrent', '"stateful": false', '"stateful": true', /keeps its state from event to event/],
  ] as const)('%s', (_, fixture, from, to, message) => {
    const found = messageOf(fixture, from, to);
    expect(found).toMatch(message);
    expect(found.length).toBeLessThan(2000);
  });
});
