import { readFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../src/frontends/registry.js';
import { catalogue } from '../../../src/layers/registry.js';
import { readZip } from '../../../src/io/zip.js';
import { messageOf } from '../helpers.js';

const FIXTURES = 'test/fixtures';
const archive = readFileSync(`${FIXTURES}/keras3_mlp/model.keras`);
const hdf5 = readFileSync(`${FIXTURES}/keras2_mlp/model.h5`);
const entry = (name: string): Uint8Array => readZip(archive, ['model.keras']).read(name);
const config = JSON.parse(new TextDecoder().decode(entry('config.json'))) as Described;

interface Described {
  class_name: string;
  config: { layers: DescribedLayer[]; [field: string]: unknown };
}
interface DescribedLayer {
  class_name: string;
  name?: string;
  config: Record<string, unknown>;
  inbound_nodes?: unknown;
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What is said of a file; it must be said within seconds. */
function said(bytes: Uint8Array, name = 'model.keras'): string {
  const start = performance.now();
  const message = messageOf(() => parseModel({ name, bytes }, { catalogue, readSide: () => undefined }));
  expect(performance.now() - start).toBeLessThan(20_000);
  return message;
}

/** The archive of the fixture with another description. */
function withConfig(text: string): Uint8Array {
  return zipSync({ 'config.json': bytesOf(text), 'metadata.json': entry('metadata.json'), 'model.weights.h5': entry('model.weights.h5') }, { level: 0 });
}

function changed(change: (model: Described) => void): string {
  const model = structuredClone(config);
  change(model);
  return said(withConfig(JSON.stringify(model)));
}

/** A layer of the fixture by its name. */
function layer(model: Described, name: string): DescribedLayer {
  return model.config.layers.find((own) => own.config['name'] === name) as DescribedLayer;
}

describe('archives', () => {
  it.each([0.1, 0.5, 0.9, 0.999])('cut short at %d of their length', (part) => {
    expect(said(archive.subarray(0, Math.floor(archive.length * part)))).toMatch(/^input\n/);
  });

  it('that unpack to far more than they are', () => {
    const bomb = zipSync({ 'config.json': new Uint8Array(2 ** 26).fill(32), 'model.weights.h5': entry('model.weights.h5') }, { level: 1 });
    expect(bomb.length).toBeLessThan(2 ** 20);
    expect(said(bomb)).toMatch(/config.json: unpacks to 67108864 bytes; at most 33554432 are read/);
  });

  it('with anything but HDF5 for weights', () => {
    const bytes = zipSync({ 'config.json': entry('config.json'), 'model.weights.h5': bytesOf('hello') });
    expect(said(bytes)).toMatch(/^input\nmodel.keras → model.weights.h5: is damaged HDF5/);
  });
});

describe('HDF5', () => {
  it.each([0.01, 0.1, 0.5, 0.9])('cut short at %d of its length', (part) => {
    expect(said(hdf5.subarray(0, Math.floor(hdf5.length * part)), 'model.h5')).toMatch(/^input\n/);
  });

  it('with any byte wrong is read, or refused in a sentence', () => {
    let state = 12345;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return state % below;
    };
    const kinds = new Set<string>();
    for (let trial = 0; trial < 300; trial++) {
      const bytes = Uint8Array.from(hdf5);
      for (let k = 0; k < 3; k++) bytes[random(trial % 2 === 0 ? 4096 : bytes.length)] = random(4) === 0 ? 0xff : random(256);
      kinds.add(said(bytes, 'model.h5').split('\n')[0] as string);
    }
    expect([...kinds].filter((kind) => !['nothing thrown', 'input', 'unsupported'].includes(kind))).toEqual([]);
    expect(kinds.size).toBeGreaterThan(1);
  });

  it('whose tree leads back to itself', () => {
    // Every node of a group's tree claims to be three levels up, with as many links as fit, all to itself.
    const bytes = Uint8Array.from(hdf5);
    const view = new DataView(bytes.buffer);
    for (let at = 0; at + 24 < bytes.length; at += 8) {
      if (String.fromCharCode(...bytes.subarray(at, at + 4)) !== 'TREE') continue;
      bytes[at + 5] = 3;
      view.setUint16(at + 6, 4000, true);
      for (let k = 0; k < 40; k++) if (at + 40 + 16 * k < bytes.length) view.setBigUint64(at + 32 + 16 * k, BigInt(at), true);
    }
    expect(said(bytes, 'model.h5')).toMatch(/^input\nmodel.h5: is damaged HDF5/);
  });

  it('whose dataset claims to be huge', () => {
    // The dataspace of [6, 8], the first kernel.
    const bytes = Uint8Array.from(hdf5);
    const view = new DataView(bytes.buffer);
    let found = 0;
    for (let at = 0; at + 16 < bytes.length; at += 8) {
      if (view.getBigUint64(at, true) !== 6n || view.getBigUint64(at + 8, true) !== 8n) continue;
      view.setBigUint64(at, 2n ** 31n, true);
      found += 1;
    }
    expect(found).toBeGreaterThan(0);
    expect(said(bytes, 'model.h5')).toMatch(/a dataset of shape \[2147483648, 8\] is past all bounds/);
  });

  it('that holds weights only', () => {
    expect(said(readFileSync(`${FIXTURES}/keras2_mlp/model_weights.h5`), 'w.h5')).toMatch(/^input\nw.h5: is HDF5 without a model in it/);
  });
});

describe('descriptions', () => {
  it('nested without end', () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000);
    expect(said(withConfig(`{"class_name": "Sequential", "config": {"layers": ${deep}}}`))).toMatch(/^input\n/);
    let model: Described = structuredClone(config);
    for (let i = 0; i < 40; i++) model = { class_name: 'Sequential', config: { name: `m${i}`, layers: [{ class_name: 'InputLayer', config: { name: `i${i}`, batch_shape: [null, 6] } }, model as unknown as DescribedLayer] } };
    expect(said(withConfig(JSON.stringify(model)))).toMatch(/nested more than 16 deep/);
  });

  it('with Infinity and NaN, as Python writes them', () => {
    const text = JSON.stringify(config);
    expect(said(withConfig(text.replace('"rate":0.2', '"rate":Infinity, "extra": [-Infinity, NaN]')))).toBe('nothing thrown');
    expect(said(withConfig(text.replace('"epsilon":0.001', '"epsilon":NaN')))).toBe("input\nmodel.keras → norm → epsilon: is \"NaN\"; a number is needed.");
  });

  it('that are broken', () => {
    expect(said(withConfig('{"class_name": "Sequential", '))).toMatch(/^input\nmodel.keras → config.json: is broken JSON/);
    expect(said(withConfig('[1, 2]'))).toMatch(/holds \[1,2\] where a layer/);
    expect(said(withConfig('{"class_name": "MyModel", "config": {}}'))).toMatch(/^unsupported\nmodel.keras: holds a model of class MyModel/);
  });

  it('whose weights are of the wrong shape', () => {
    expect(changed((model) => (layer(model, 'hidden').config['use_bias'] = false))).toBe('nothing thrown');
    expect(changed((model) => (((model.config.layers[0] as DescribedLayer).config['batch_shape'] as (number | null)[])[1] = 7))).toMatch(/^input\nmodel.keras → hidden: the weight \[6, 8\] takes 6 inputs, found \[1, 7\]/);
    expect(changed((model) => (layer(model, 'drop').class_name = 'Dense'))).toMatch(/^input\nmodel.keras → layers\/dropout: has 0 variables; 2 are needed: kernel, bias/);
  });

  it('whose sizes are open', () => {
    expect(changed((model) => (((model.config.layers[0] as DescribedLayer).config['batch_shape'] as (number | null)[])[1] = null))).toMatch(/^unsupported\nmodel.keras → x: has the shape \[null,null\]: a circuit needs every size/);
  });

  it('name all they lack at once', () => {
    const message = changed((model) => {
      layer(model, 'drop').class_name = 'Telepathy';
      layer(model, 'hidden').config['activation'] = 'wishful';
      layer(model, 'leaky').class_name = 'Prophecy';
    });
    expect(message).toMatchInlineSnapshot(`
      "unsupported
      model.keras → hidden: has the activation "wishful", which is not supported. There are: binary_tanh, celu, clip, elu, exp, exponential, gelu, glu, hard_shrink, hard_sigmoid, hard_silu, hard_swish, hard_tanh, leaky_relu, linear, log_sigmoid, log_softmax, mish, relu, relu1, … (57 in all).
      model.keras → drop: is of class Telepathy, which is not supported. Supported layers are listed in docs/formats-and-layers.md; build the same from them.
      model.keras → leaky: is of class Prophecy, which is not supported. Supported layers are listed in docs/formats-and-layers.md; build the same from them."
    `);
  });
});

describe('functional graphs', () => {
  const branches = JSON.parse(new TextDecoder().decode(readZip(readFileSync(`${FIXTURES}/keras3_branches/model.keras`), ['b']).read('config.json'))) as Described;
  const weights = readZip(readFileSync(`${FIXTURES}/keras3_branches/model.keras`), ['b']).read('model.weights.h5');
  const graph = (replace: (text: string) => string): string => said(zipSync({ 'config.json': bytesOf(replace(JSON.stringify(branches))), 'model.weights.h5': weights }, { level: 0 }));

  it('that lead back to themselves', () => {
    expect(graph((text) => text.replace('"keras_history":["product",0,0]', '"keras_history":["score",0,0]'))).toMatch(/^input\nmodel.keras → branches → (joined|score): depends on its own output/);
  });

  it('that refer to what is not there', () => {
    expect(graph((text) => text.replace('"keras_history":["product",0,0]', '"keras_history":["ghost",0,0]'))).toMatch(/ghost: has no call 0, which another layer refers to/);
    expect(graph((text) => text.replace('"keras_history":["product",0,0]', '"keras_history":["product",0,3]'))).toMatch(/product: has 1 outputs; another layer refers to number 3/);
    expect(graph((text) => text.replace('"keras_history":["product",0,0]', '"keras_history":["product",-1,0]'))).toMatch(/which is no call of a layer/);
  });
});

describe('weights apart from the model', () => {
  const json = readFileSync(`${FIXTURES}/keras2_mlp/model.json`);
  const weights = readFileSync(`${FIXTURES}/keras2_mlp/model_weights.h5`);
  const read = (files: Readonly<Record<string, Uint8Array>>, named?: { readonly name: string; readonly bytes: Uint8Array }): string =>
    messageOf(() => parseModel({ name: 'net.json', bytes: json, siblings: () => Object.keys(files), ...(named === undefined ? {} : { weights: named }) }, { catalogue, readSide: (name) => files[name] }));

  it('are found by the rules, or named', () => {
    expect(read({ 'net_weights.h5': weights })).toBe('nothing thrown');
    expect(read({ 'net.weights.h5': weights })).toBe('nothing thrown');
    expect(read({ 'other.h5': weights })).toBe('nothing thrown');
    expect(read({ 'other.h5': weights, 'model.h5': hdf5 })).toBe('nothing thrown');
    expect(read({}, { name: 'far/away.h5', bytes: weights })).toBe('nothing thrown');
  });

  it('are asked for where there are none, or several', () => {
    expect(read({})).toMatch(/there is no weights file beside it \(net_weights.h5 or net.weights.h5\). Name the weights with --weights FILE/);
    expect(read({ 'a.h5': weights, 'b.h5': weights })).toMatch(/2 weights files are beside it: a.h5, b.h5. Name the weights/);
    expect(read({}, { name: 'w.h5', bytes: json })).toMatch(/^input\nw.h5: is not HDF5/);
  });

  it('of another model are refused', () => {
    expect(read({}, { name: 'w.h5', bytes: readFileSync(`${FIXTURES}/keras2_branches/model.h5`) })).toMatch(/hidden: has 0 variables; 2 are needed: kernel, bias. The weights belong to another model/);
  });
});
