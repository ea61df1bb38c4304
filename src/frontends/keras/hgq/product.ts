import type { TensorRef } from '../../network.js';
import type { KerasContext } from '../layer.js';

/** A tensor with a letter an axis. */
interface Lettered {
  readonly x: TensorRef;
  readonly letters: string;
}

/**
 * Einstein's product of two variables, as one matrix product: shared axes that stay, then own axes, then those summed
 * over. The first axis, the batch, is in all three terms. Explicit output only.
 */
export function productOf(equation: string, a: TensorRef, b: TensorRef, name: string, context: KerasContext): TensorRef {
  const [left = '', output = ''] = equation.replace(/\s/g, '').split('->');
  const terms = left.split(',') as [string, string];
  const [first, second] = terms;
  const isProper = [first, second, output].every((term) => /^[A-Za-z]+$/.test(term) && new Set(term).size === term.length) && [...output].every((letter) => left.includes(letter));
  if (!isProper || first.length !== a.shape.length || second.length !== b.shape.length || first[0] !== output[0] || second[0] !== output[0]) {
    return context.fail('unsupported', name, 'equation', `has the equation ${equation.slice(0, 80)} on [${a.shape.join(', ')}] and [${b.shape.join(', ')}]; the batch must be the first axis of every term, and each axis be there once.`);
  }
  const sides = [
    withoutUnused({ x: a, letters: first }, second + output, `${name}/left`, context),
    withoutUnused({ x: b, letters: second }, first + output, `${name}/right`, context),
  ] as const;
  const inBoth = [...sides[0].letters].filter((letter) => sides[1].letters.includes(letter));
  const shared = inBoth.filter((letter) => output.includes(letter));
  const summed = inBoth.filter((letter) => !output.includes(letter));
  const own = sides.map(({ letters }) => [...letters].filter((letter) => !inBoth.includes(letter)));
  const sizes = new Map(sides.flatMap(({ x, letters }) => [...letters].map((letter, axis) => [letter, x.shape[axis] as number] as const)));
  const sizeOf = (letters: readonly string[]): number => letters.reduce((n, letter) => n * (sizes.get(letter) as number), 1);
  const matrix = (side: 0 | 1, rows: readonly string[], columns: readonly string[]): TensorRef => {
    const { x, letters } = sides[side];
    const perm = [...shared, ...rows, ...columns].map((letter) => letters.indexOf(letter));
    const moved = context.add('transpose', { perm }, [x], `${name}/order${side}`);
    return context.add('reshape', { shape: [1, sizeOf(shared), sizeOf(rows), sizeOf(columns)] }, [moved], `${name}/matrix${side}`);
  };
  const product = context.add('matmul', {}, [matrix(0, own[0] as string[], summed), matrix(1, summed, own[1] as string[])], `${name}/product`);
  const letters = [...shared, ...(own[0] as string[]), ...(own[1] as string[])];
  const whole = context.add('reshape', { shape: letters.map((letter) => sizes.get(letter) as number) }, [product], `${name}/whole`);
  return context.add('transpose', { perm: [...output].map((letter) => letters.indexOf(letter)) }, [whole], name);
}

/** One variable's axes summed over and put in order. */
export function reorder(equation: string, x: TensorRef, name: string, context: KerasContext): TensorRef {
  const [input = '', output = ''] = equation.replace(/\s/g, '').split('->');
  if (input.length !== x.shape.length || new Set(input).size !== input.length || [...output].some((letter) => !input.includes(letter))) {
    return context.fail('unsupported', name, 'equation', `has the equation ${equation.slice(0, 80)} on [${x.shape.join(', ')}].`);
  }
  const rest = withoutUnused({ x, letters: input }, output, `${name}/kept`, context);
  return context.add('transpose', { perm: [...output].map((letter) => rest.letters.indexOf(letter)) }, [rest.x], name);
}

/** Sums over the axes that nothing else has. */
function withoutUnused({ x, letters }: Lettered, others: string, name: string, context: KerasContext): Lettered {
  const axes = [...letters].flatMap((letter, axis) => (others.includes(letter) ? [] : [axis]));
  if (axes.length === 0) return { x, letters };
  return { x: context.add('reduce', { operation: 'sum', axes, keepDims: false }, [x], name), letters: [...letters].filter((letter) => others.includes(letter)).join('') };
}
