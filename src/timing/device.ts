/** A device as the delay and area models see it. Figures in ns; `source` says where they come from. */
export interface Device {
  readonly part: string;
  readonly family: string;
  /** LUT inputs. */
  readonly lutInputs: number;
  /** Clock-to-output plus set-up of a register. */
  readonly registerNs: number;
  /** One LUT. */
  readonly lutNs: number;
  /** One hop of routing, mean. */
  readonly routeNs: number;
  /** Getting onto and off a carry chain. */
  readonly carryEntryNs: number;
  /** Carry per bit. */
  readonly carryNsPerBit: number;
  readonly capacity: { readonly lut: number; readonly ff: number; readonly dsp: number; readonly bram: number };
  readonly source: string;
}
