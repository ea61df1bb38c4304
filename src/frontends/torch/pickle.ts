import { CompileError } from '../../errors.js';

/*
 * A reader of Python pickles that runs nothing: classes and functions are names, calls are kept as data. Names that are not
 * on a list are refused at once, so that no file can ask for more than PyTorch's own tensors and modules.
 */

/** What a pickle may hold, as data. */
export type PickleValue = null | boolean | number | bigint | string | Uint8Array | PickleList | PickleDict | PickleGlobal | PickleObject;

/** A list, tuple or set. */
export interface PickleList {
  readonly kind: 'list';
  readonly items: PickleValue[];
}

export interface PickleDict {
  readonly kind: 'dict';
  readonly entries: Map<PickleValue, PickleValue>;
}

/** `torch.nn.modules.linear.Linear`: a name, never what it names. */
export interface PickleGlobal {
  readonly kind: 'global';
  readonly name: string;
}

/** What a call would have made: its callable and arguments, and what was set on it afterwards. */
export interface PickleObject {
  readonly kind: 'object';
  readonly of: string;
  readonly args: readonly PickleValue[];
  state: PickleValue;
  /** Entries set by key, as on an OrderedDict. */
  readonly entries: Map<PickleValue, PickleValue>;
}

export interface PickleOptions {
  readonly where: readonly string[];
  /** Whether a global may be named at all. */
  readonly allowed: (name: string) => boolean;
  /** What a persistent id stands for. */
  readonly persistent: (id: PickleValue) => PickleValue;
}

/** No model takes more steps; each costs memory. */
const MAX_STEPS = 2 ** 22;

const MARK = Symbol('mark');
type Slot = PickleValue | typeof MARK;

/** Reads one pickle from `at` and says where it ends. Throws CompileError of kind `input`. */
export function readPickle(bytes: Uint8Array, at: number, options: PickleOptions): { readonly value: PickleValue; readonly next: number } {
  return new Unpickler(bytes, at, options).run();
}

class Unpickler {
  private readonly stack: Slot[] = [];
  private readonly memo = new Map<number, PickleValue>();
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private at: number,
    private readonly options: PickleOptions,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): { readonly value: PickleValue; readonly next: number } {
    for (let step = 0; step < MAX_STEPS; step++) {
      const op = this.byte();
      if (op === 0x2e) return { value: this.pop(), next: this.at };
      this.step(op);
    }
    return this.fail(`takes more than ${MAX_STEPS} steps`);
  }

  private fail(what: string): never {
    throw new CompileError('input', { code: 'bad-pickle', where: this.options.where, what: `is no pickle that can be read: ${what}.`, mend: 'It may be truncated; save it again, best with torch.export.save or as ONNX.' });
  }

  private take(count: number): number {
    const from = this.at;
    if (!(count >= 0) || from + count > this.bytes.length) this.fail(`it ends at byte ${this.bytes.length}`);
    this.at += count;
    return from;
  }

  private byte(): number {
    return this.bytes[this.take(1)] as number;
  }

  private slice(count: number): Uint8Array {
    const from = this.take(count);
    return this.bytes.subarray(from, from + count);
  }

  private text(count: number): string {
    return new TextDecoder().decode(this.slice(count));
  }

  private line(): string {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0) this.fail('a line does not end');
    const text = this.text(end - this.at);
    this.at = end + 1;
    return text;
  }

  private length(bytes: 4 | 8): number {
    const from = this.take(bytes);
    return bytes === 4 ? this.view.getUint32(from, true) : Number(this.view.getBigUint64(from, true));
  }

  private pop(): PickleValue {
    const top = this.stack.pop();
    return top === undefined || top === MARK ? this.fail('its stack is empty') : top;
  }

  private popMark(): PickleValue[] {
    const from = this.stack.lastIndexOf(MARK);
    if (from < 0) this.fail('a mark is missing');
    const items = this.stack.splice(from) as PickleValue[];
    return items.slice(1);
  }

  private push(value: PickleValue): void {
    this.stack.push(value);
  }

  private list(items: PickleValue[]): void {
    this.push({ kind: 'list', items });
  }

  private step(op: number): void {
    switch (op) {
      case 0x80: this.take(1); return; // PROTO
      case 0x95: this.take(8); return; // FRAME
      case 0x28: this.stack.push(MARK); return;
      case 0x30: this.pop(); return; // POP
      case 0x31: this.popMark(); return;
      case 0x32: { // DUP
        const top = this.pop();
        this.push(top);
        this.push(top);
        return;
      }
      case 0x4e: this.push(null); return;
      case 0x88: this.push(true); return;
      case 0x89: this.push(false); return;
      case 0x4b: this.push(this.byte()); return; // BININT1
      case 0x4d: this.push(this.view.getUint16(this.take(2), true)); return;
      case 0x4a: this.push(this.view.getInt32(this.take(4), true)); return;
      case 0x49: this.push(this.decimal(this.line())); return; // INT
      case 0x4c: this.push(this.decimal(this.line().replace(/L$/, ''))); return; // LONG
      case 0x8a: this.push(this.long(this.byte())); return; // LONG1
      case 0x8b: this.push(this.long(this.length(4))); return;
      case 0x47: this.push(this.view.getFloat64(this.take(8), false)); return; // BINFLOAT
      case 0x46: this.push(Number(this.line())); return;
      case 0x58: this.push(this.text(this.length(4))); return; // BINUNICODE
      case 0x8c: this.push(this.text(this.byte())); return;
      case 0x8d: this.push(this.text(this.length(8))); return;
      case 0x56: this.push(this.line()); return; // UNICODE
      case 0x53: this.push(this.line().replace(/^(['"])(.*)\1$/, '$2')); return; // STRING
      case 0x54: this.push(this.text(this.length(4))); return; // BINSTRING
      case 0x55: this.push(this.text(this.byte())); return;
      case 0x42: this.push(this.slice(this.length(4))); return; // BINBYTES
      case 0x43: this.push(this.slice(this.byte())); return;
      case 0x8e: this.push(this.slice(this.length(8))); return;
      default: this.container(op);
    }
  }

  private container(op: number): void {
    switch (op) {
      case 0x5d: this.list([]); return; // EMPTY_LIST
      case 0x29: this.list([]); return; // EMPTY_TUPLE
      case 0x8f: this.list([]); return; // EMPTY_SET
      case 0x6c: // LIST
      case 0x74: this.list(this.popMark()); return; // TUPLE
      case 0x91: this.list(this.popMark()); return; // FROZENSET
      case 0x85: this.list([this.pop()]); return;
      case 0x86: this.tuple(2); return;
      case 0x87: this.tuple(3); return;
      case 0x7d: this.push({ kind: 'dict', entries: new Map() }); return; // EMPTY_DICT
      case 0x64: { // DICT
        const entries = new Map<PickleValue, PickleValue>();
        this.setAll(entries, this.popMark());
        this.push({ kind: 'dict', entries });
        return;
      }
      case 0x61: { // APPEND
        const item = this.pop();
        this.itemsOfTop().push(item);
        return;
      }
      case 0x65: // APPENDS
      case 0x90: { // ADDITEMS
        const items = this.popMark();
        const own = this.itemsOfTop();
        for (const item of items) own.push(item);
        return;
      }
      case 0x73: { // SETITEM
        const [value, key] = [this.pop(), this.pop()];
        this.entriesOfTop().set(key, value);
        return;
      }
      case 0x75: { // SETITEMS
        const items = this.popMark();
        this.setAll(this.entriesOfTop(), items);
        return;
      }
      case 0x71: this.memo.set(this.byte(), this.top()); return; // BINPUT
      case 0x72: this.memo.set(this.length(4), this.top()); return;
      case 0x70: this.memo.set(Number(this.line()), this.top()); return;
      case 0x94: this.memo.set(this.memo.size, this.top()); return; // MEMOIZE
      case 0x68: this.recall(this.byte()); return; // BINGET
      case 0x6a: this.recall(this.length(4)); return;
      case 0x67: this.recall(Number(this.line())); return;
      default: this.call(op);
    }
  }

  private call(op: number): void {
    switch (op) {
      case 0x63: this.push(this.global(this.line(), this.line())); return; // GLOBAL
      case 0x93: { // STACK_GLOBAL
        const [name, module] = [this.pop(), this.pop()];
        this.push(this.global(String(module), String(name)));
        return;
      }
      case 0x51: this.push(this.options.persistent(this.pop())); return; // BINPERSID
      case 0x50: this.push(this.options.persistent(this.line())); return;
      case 0x52: // REDUCE
      case 0x81: { // NEWOBJ
        const args = this.pop();
        this.push(this.object(this.pop(), args));
        return;
      }
      case 0x92: { // NEWOBJ_EX
        this.pop();
        const args = this.pop();
        this.push(this.object(this.pop(), args));
        return;
      }
      case 0x62: { // BUILD
        const state = this.pop();
        const target = this.top();
        if (typeof target !== 'object' || target === null || !('kind' in target) || target.kind !== 'object') return this.fail('it sets the state of what is no object');
        target.state = state;
        return;
      }
      default:
        this.fail(`operation 0x${op.toString(16)} is not read`);
    }
  }

  private decimal(text: string): number | boolean {
    if (text === '00' || text === '01') return text === '01';
    const value = Number(text);
    return Number.isSafeInteger(value) ? value : this.fail(`'${text.slice(0, 20)}' is no whole number`);
  }

  private long(count: number): number | bigint {
    const part = this.slice(count);
    if (count > 16) return this.fail(`a whole number of ${count} bytes`);
    let value = 0n;
    for (let i = count - 1; i >= 0; i--) value = value * 256n + BigInt(part[i] as number);
    if (count > 0 && (part[count - 1] as number) >= 128) value -= 1n << BigInt(8 * count);
    const small = Number(value);
    return Number.isSafeInteger(small) ? small : value;
  }

  private top(): PickleValue {
    const value = this.pop();
    this.push(value);
    return value;
  }

  private tuple(count: number): void {
    const items = Array.from({ length: count }, () => this.pop()).reverse();
    this.list(items);
  }

  private recall(index: number): void {
    this.push(this.memo.has(index) ? (this.memo.get(index) as PickleValue) : this.fail(`it recalls ${index}, which it never kept`));
  }

  private itemsOfTop(): PickleValue[] {
    const target = this.top();
    return typeof target === 'object' && target !== null && 'kind' in target && target.kind === 'list' ? target.items : this.fail('it appends to what is no list');
  }

  private entriesOfTop(): Map<PickleValue, PickleValue> {
    const target = this.top();
    return typeof target === 'object' && target !== null && !(target instanceof Uint8Array) && target.kind !== 'list' && target.kind !== 'global' ? target.entries : this.fail('it sets items of what is no dictionary');
  }

  private setAll(entries: Map<PickleValue, PickleValue>, items: readonly PickleValue[]): void {
    for (let i = 0; i + 1 < items.length; i += 2) entries.set(items[i] as PickleValue, items[i + 1] as PickleValue);
  }

  private global(module: string, name: string): PickleGlobal {
    const full = `${module}.${name}`;
    if (this.options.allowed(full)) return { kind: 'global', name: full };
    throw new CompileError('unsupported', {
      code: 'pickle-code',
      where: this.options.where,
      what: `asks for ${full.slice(0, 200)}, which is Python code: nothing in a file is ever run, and only PyTorch's own tensors and modules are known.`,
      mend: 'Export the model with torch.export.save (.pt2) or torch.onnx.export, which hold the whole computation.',
    });
  }

  /** A call as data; a class behind a persistent id is its name. */
  private object(callable: PickleValue, args: PickleValue): PickleObject {
    const named = typeof callable === 'object' && callable !== null && 'kind' in callable && callable.kind === 'global' ? callable.name : this.fail('it calls what is no name');
    const list = typeof args === 'object' && args !== null && 'kind' in args && args.kind === 'list' ? args.items : this.fail('it calls without a tuple');
    return { kind: 'object', of: named, args: list, state: null, entries: new Map() };
  }
}
