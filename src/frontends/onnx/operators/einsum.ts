import type { Operator } from '../operator.js';
import type { Operand, OperatorNode } from '../values.js';
import { fail, formatShape, operandInput } from '../values.js';

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

interface Terms {
  readonly inputs: readonly string[];
  readonly output: string;
}

/** Letters for the axes an ellipsis stands for, aligned from the right. */
function withoutEllipsis(node: OperatorNode, terms: readonly string[], operands: readonly Operand[]): { readonly inputs: readonly string[]; readonly extra: string } {
  const free = [...LETTERS].filter((letter) => !terms.some((term) => term.includes(letter)));
  const widths = terms.map((term, i) => (term.includes('...') ? (operands[i]?.shape.length ?? 0) - (term.length - 3) : 0));
  const widest = Math.max(0, ...widths);
  const extra = free.slice(0, widest).join('');
  if (extra.length < widest || widths.some((n) => n < 0)) return fail(node, 'input', 'bad-equation', 'has more axes than its equation names.');
  return { inputs: terms.map((term, i) => term.replace('...', extra.slice(widest - (widths[i] as number)))), extra };
}

/** Explicit letters of all operands and of the output. */
function termsOf(node: OperatorNode, operands: readonly Operand[]): Terms {
  const equation = node.attributes.string('equation', '').replaceAll(' ', '');
  const [left = '', right] = equation.split('->');
  const given = left.split(',');
  if (!/^[a-zA-Z.,]*(->[a-zA-Z.]*)?$/.test(equation) || given.length !== operands.length) return fail(node, 'input', 'bad-equation', `its equation '${equation.slice(0, 60)}' does not fit ${operands.length} operands.`);
  const { inputs, extra } = withoutEllipsis(node, given, operands);
  const all = inputs.join('');
  const once = [...new Set(all)].filter((letter) => !extra.includes(letter) && all.split(letter).length === 2).sort().join('');
  const output = right === undefined ? extra + once : right.replace('...', extra);
  return { inputs, output };
}

/** Each variable gets the batch as an axis of its own in front, so that the result has it there too. */
export const einsum: Operator = {
  run: (node, builder) => {
    const operands = node.inputs.map((_, i) => operandInput(node, i));
    if (operands.length > 2) return fail(node, 'unsupported', 'einsum-operands', `has ${operands.length} operands; one or two are supported.`);
    const { inputs, output } = termsOf(node, operands);
    const sizes = new Map<string, number>();
    operands.forEach(({ shape }, i) => {
      const term = inputs[i] ?? '';
      if (term.length !== shape.length) fail(node, 'input', 'bad-equation', `its term '${term}' does not fit ${formatShape(shape)}.`);
      [...term].forEach((letter, axis) => sizes.set(letter, Math.max(sizes.get(letter) ?? 1, shape[axis] as number)));
    });
    const batch = [...LETTERS].find((letter) => !sizes.has(letter)) ?? fail(node, 'unsupported', 'einsum-axes', 'names every letter there is.');
    const shape = [...output].map((letter) => sizes.get(letter) ?? fail(node, 'input', 'bad-equation', `makes an axis '${letter}' that no operand has.`));
    const values = operands.map((operand, i) => (operand.kind === 'constant' ? operand : builder.lift(node, operand, `${node.name}/operand${i}`)));
    const equation = `${inputs.map((term, i) => (operands[i]?.kind === 'constant' ? term : batch + term)).join(',')}->${batch}${output}`;
    return [builder.emit(node, 'einsum', { equation }, values, { shape })];
  },
};
