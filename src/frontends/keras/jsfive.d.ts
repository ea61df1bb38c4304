/** The part of jsfive that is used; the library comes without types. It throws strings as well as errors. */
declare module 'jsfive' {
  export class Group {
    readonly keys: readonly string[];
    /** Values are texts, numbers or arrays of them; null where the type is not known to the library. */
    readonly attrs: Readonly<Record<string, unknown>>;
    get(name: string): Group | Dataset | null;
  }
  export class File extends Group {
    constructor(bytes: ArrayBuffer, name: string);
  }
  export class Dataset {
    readonly shape: readonly number[];
    /** `<f4`, `|S8`, or an array for composed types. */
    readonly dtype: string | readonly unknown[];
    readonly value: ArrayLike<unknown>;
    readonly _dataobjects: { readonly chunks: readonly number[] | null };
  }
}
