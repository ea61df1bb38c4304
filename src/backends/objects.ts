import type { Port } from '../circuit/circuit.js';
import { typeOfElement } from '../circuit/circuit.js';
import { formatFixedType } from '../fixed/fixedType.js';
import type { ObjectLayout } from './backend.js';

/** The name of each element of a port, in order: `<object>_<field>`, or `<object>_<i>_<field>` where objects are counted. */
export function elementNames(objects: readonly ObjectLayout[]): string[] {
  return objects.flatMap(({ name, count, fields }) => Array.from({ length: count ?? 1 }, (_, k) => fields.map((field) => `${name}_${count === undefined ? '' : `${k}_`}${field.name}`)).flat());
}

/** An object of a port, where its elements begin. */
export interface PlacedObject extends ObjectLayout {
  readonly first: number;
}

export function placed(objects: readonly ObjectLayout[]): PlacedObject[] {
  let first = 0;
  return objects.map((object) => {
    const own = { ...object, first };
    first += (object.count ?? 1) * object.fields.length;
    return own;
  });
}

/** The types that a field has in all instances, and its physical unit, for a comment: `ap_ufixed<12,12>, one is 0.5 GeV`. */
export function fieldNote(port: Port, object: PlacedObject, field: number): string {
  const { count = 1, fields, first } = object;
  const types = new Set(Array.from({ length: count }, (_, k) => formatFixedType(typeOfElement(port, first + k * fields.length + field))));
  const { lsb, unit } = fields[field] as ObjectLayout['fields'][number];
  const physical = lsb === undefined ? unit : `one is ${lsb}${unit === undefined ? '' : ` ${unit}`}`;
  return [...types, ...(physical === undefined ? [] : [physical])].join(', ');
}

/** The widest element of a field over all instances. */
export function fieldWidth(port: Port, { count = 1, fields, first }: PlacedObject, field: number): { readonly width: number; readonly signed: boolean } {
  const types = Array.from({ length: count }, (_, k) => typeOfElement(port, first + k * fields.length + field));
  return { width: Math.max(...types.map((type) => type.width)), signed: types.some((type) => type.signed) };
}
