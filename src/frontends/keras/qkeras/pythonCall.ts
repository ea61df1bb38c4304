/** What an argument in a quantiser's text can be. */
export type PythonValue = number | string | boolean | null | number[];

/** `name(a, b, key=c)` taken apart. */
export interface PythonCall {
  readonly name: string;
  readonly positional: readonly PythonValue[];
  readonly named: ReadonlyMap<string, PythonValue>;
}

const LONGEST = 1000;

/**
 * A quantiser written as text: `quantized_relu(6, 0)`, `quantized_bits(4,0,1,alpha='auto')`, `binary`. The grammar of
 * QKeras' `safe_eval`: numbers, True, False, None, quoted strings, lists of numbers apart by blanks or commas. Undefined
 * for anything else.
 */
export function parsePythonCall(text: string): PythonCall | undefined {
  if (text.length > LONGEST) return undefined;
  const call = /^\s*([A-Za-z_][A-Za-z0-9_.]*)\s*(?:\(([^()]*)\))?\s*$/.exec(text);
  if (call === null) return undefined;
  const positional: PythonValue[] = [];
  const named = new Map<string, PythonValue>();
  for (const argument of splitArguments(call[2] ?? '')) {
    const pair = /^\s*([A-Za-z_]\w*)\s*=([^=]*)$/.exec(argument);
    const value = parseValue((pair === null ? argument : (pair[2] as string)).trim());
    if (value === undefined || (pair === null && named.size > 0)) return undefined;
    if (pair === null) positional.push(value);
    else named.set(pair[1] as string, value);
  }
  return { name: (call[1] as string).split('.').pop() as string, positional, named };
}

/** At commas outside of brackets and quotes. */
function splitArguments(text: string): string[] {
  const parts = text.match(/(?:\[[^\]]*\]|'[^']*'|"[^"]*"|[^,[\]'"])+/g) ?? [];
  return parts.filter((part) => part.trim() !== '');
}

function parseValue(text: string): PythonValue | undefined {
  if (text === 'True') return true;
  if (text === 'False') return false;
  if (text === 'None') return null;
  const number = parseNumber(text);
  if (number !== undefined) return number;
  const quoted = /^(['"])([^'"]*)\1$/.exec(text);
  if (quoted !== null) return quoted[2] as string;
  const list = /^\[([^[\]]*)\]$/.exec(text);
  if (list === null) return undefined;
  const numbers = (list[1] as string).split(/[\s,]+/).filter((part) => part !== '').map(parseNumber);
  return numbers.every((n) => n !== undefined) ? numbers : undefined;
}

function parseNumber(text: string): number | undefined {
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/.test(text) ? Number(text) : undefined;
}
