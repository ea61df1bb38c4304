/** What `package` makes ready to use, by the name of who takes it. */
export const PACKAGE_KINDS = ['cmssw', 'athena', 'python', 'vivado', 'quartus', 'cocotb', 'fusesoc'] as const;

export type PackageKind = (typeof PACKAGE_KINDS)[number];
