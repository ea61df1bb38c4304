import type { Operator, OperatorTable } from '../operator.js';
import { fail } from '../values.js';
import { activations } from './activations.js';
import { arithmetic } from './arithmetic.js';
import { codes, integerOperator } from './codes.js';
import { matrix } from './matrix.js';
import { windows } from './windows.js';

function named(table: OperatorTable, op: string): { readonly operator: Operator; readonly op: string } {
  return { operator: table[op] as Operator, op };
}

/** Of two tensors, each with scale and zero point, then the output's. */
const pair = { quantised: [0, 3], output: 6 };
/** Of one. */
const single = { quantised: [0], output: 3 };

/** Scales that are computed while the model runs need a division by a variable maximum: no circuit of this kind. */
function dynamic(what: string): Operator {
  return {
    run: (node) => fail(node, 'unsupported', 'dynamic-quantisation', what, 'Quantise the model statically (onnxruntime: quantize_static with calibration data), or give the float model.'),
  };
}

const ofDynamic = dynamic('works on integers of dynamic quantisation, whose scale is computed from each event.');
const dynamicQuantizer = dynamic('computes its scale from each event.');

/** Integer operators of ai.onnx. */
export const integers: OperatorTable = {
  ...codes,
  QLinearConv: integerOperator({ ...pair, bias: 8, ...named(windows, 'Conv') }),
  QLinearMatMul: integerOperator({ ...pair, ...named(matrix, 'MatMul') }),
  ConvInteger: ofDynamic,
  MatMulInteger: ofDynamic,
  DynamicQuantizeLinear: dynamicQuantizer,
};

/** Integer operators of onnxruntime. */
export const microsoft: OperatorTable = {
  ...codes,
  QGemm: integerOperator({ quantised: [0, 3], bias: 6, output: 7, ...named(matrix, 'Gemm') }),
  QLinearAdd: integerOperator({ ...pair, ...named(arithmetic, 'Add') }),
  QLinearMul: integerOperator({ ...pair, ...named(arithmetic, 'Mul') }),
  QLinearSigmoid: integerOperator({ ...single, ...named(activations, 'Sigmoid') }),
  QLinearLeakyRelu: integerOperator({ ...single, ...named(activations, 'LeakyRelu') }),
  QLinearSoftmax: integerOperator({ ...single, ...named(activations, 'Softmax') }),
  QLinearAveragePool: integerOperator({ ...single, ...named(windows, 'AveragePool') }),
  QLinearGlobalAveragePool: integerOperator({ ...single, ...named(windows, 'GlobalAveragePool') }),
  DynamicQuantizeMatMul: dynamicQuantizer,
  MatMulIntegerToFloat: ofDynamic,
  DynamicQuantizeLSTM: dynamicQuantizer,
};
