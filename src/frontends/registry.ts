import { CompileError } from '../errors.js';
import type { ModelGraph } from '../model/graph.js';
import { catboostFrontend } from './catboost.js';
import { coniferFrontend } from './conifer.js';
import type { Frontend, FrontendContext, ModelSource } from './frontend.js';
import { hls4mlFrontend } from './hls4ml/hls4ml.js';
import { kerasFrontend } from './keras/keras.js';
import { lightgbmFrontend } from './lightgbm.js';
import { onnxFrontend } from './onnx/onnx.js';
import { tmvaFrontend } from './tmva.js';
import { pt2Frontend } from './torch/pt2.js';
import { ptFrontend } from './torch/pt.js';
import { trigforgeModelFrontend } from './trigforgeModel.js';
import { xgboostJsonFrontend, xgboostUbjFrontend } from './xgboost/xgboost.js';

/** Every format, by name; adding one is its file and a line here. */
export const frontends: readonly Frontend[] = [onnxFrontend, kerasFrontend, hls4mlFrontend, pt2Frontend, ptFrontend, xgboostJsonFrontend, xgboostUbjFrontend, lightgbmFrontend, catboostFrontend, tmvaFrontend, coniferFrontend, trigforgeModelFrontend];

/** The frontend whose content test is surest, or undefined where none knows the file. */
function detectFrontend(source: ModelSource): Frontend | undefined {
  let best: Frontend | undefined;
  let confidence = 0;
  for (const frontend of frontends) {
    const own = frontend.detects(source);
    if (own > confidence) {
      best = frontend;
      confidence = own;
    }
  }
  return best;
}

/** Reads a model of any known format. Throws CompileError: `input` for content that is none or broken. */
export function parseModel(source: ModelSource, context: FrontendContext): ModelGraph {
  const frontend = detectFrontend(source);
  if (frontend !== undefined) return frontend.parse(source, context);
  if (isYdf(source)) {
    throw new CompileError('unsupported', {
      code: 'ydf',
      where: [source.name],
      what: 'is a model of YDF (Yggdrasil Decision Forests), whose files are not read.',
      mend: "Save it as conifer's JSON, which is: conifer.converters.convert_from_ydf(model), then save(); boosted trees of numbers go through.",
    });
  }
  throw new CompileError('input', {
    code: 'unknown-format',
    where: [source.name],
    what: `is no model this version reads: ${source.folder === true ? 'it is a folder, without the firmware/ of an hls4ml project or the model.json of an output folder' : describeContent(source.bytes)}.`,
    mend: `Supported: ${frontends.map((f) => `${f.name} (${f.summary})`).join('; ')}.`,
  });
}

/** Files of every model that YDF saves; together nobody else has them. */
const YDF_FILES: readonly string[] = ['data_spec.pb', 'header.pb'];

/** Whether it is a model that YDF saved: the folder, or one of its files. Only asked of what no frontend knows. */
function isYdf({ siblings }: ModelSource): boolean {
  const files = new Set(siblings?.());
  return YDF_FILES.every((file) => files.has(file));
}

const MAGIC: readonly (readonly [readonly number[], string])[] = [
  [[0x50, 0x4b], 'it starts with PK: a zip, but of no model that is known'],
  [[0x1f, 0x8b], 'it is gzip-compressed; unpack it first'],
  [[0x7f, 0x45, 0x4c, 0x46], 'it is an ELF program'],
  [[0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59], 'it is a .npy array, not a model'],
  [[0x80], 'it looks like a Python pickle that torch.save did not write, which is never read; export to ONNX'],
];

/** What the first bytes say, for the error on unknown content. */
function describeContent(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'the file is empty';
  for (const [magic, text] of MAGIC) {
    if (magic.every((byte, i) => bytes[i] === byte)) return text;
  }
  const head = bytes.subarray(0, 400);
  const isText = head.every((b) => b >= 32 || b === 9 || b === 10 || b === 13);
  if (!isText) return `its first bytes are ${Array.from(bytes.subarray(0, 8), (b) => b.toString(16).padStart(2, '0')).join(' ')}`;
  const text = new TextDecoder().decode(head).trim();
  if (text.startsWith('{')) return 'it is JSON, but no model of a library known here';
  return `it is text that begins '${text.slice(0, 24).replace(/\s+/g, ' ')}'`;
}
