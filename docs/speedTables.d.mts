export interface EmulatorNumbers {
  readonly machine: string;
  readonly rival: string;
  readonly emulators: readonly { readonly model: string; readonly events: number; readonly millionPerSecond: Readonly<Record<string, number>> }[];
}
export interface ScalingSample {
  readonly model: string;
  readonly size: number;
  readonly operations: number;
  readonly seconds: number;
  readonly megabytes: number;
}
export function emulatorTable(numbers: EmulatorNumbers): string;
export function scalingTable(samples: readonly ScalingSample[]): string;
export function scalingPlot(samples: readonly ScalingSample[]): string;
