import type { Net } from './nets.js';

/** Names of nets and instances in the text of one module. `bit` names a bit of an op's wire as read in a stage. */
export class NetNames {
  /** Helper wires, declared where they are first named. */
  private readonly names = new Map<string, string>();
  private readonly declared: string[] = [];
  private count = 0;

  constructor(private readonly bit: (op: number, bit: number, stage: number) => string) {}

  /** Helper wires are of one stage. */
  startStage(): void {
    this.names.clear();
  }

  of(net: Net, stage: number): string {
    switch (net.kind) {
      case 'constant':
        return `1'd${net.value}`;
      case 'bit':
        return this.bit(net.op, net.bit, stage);
      case 'helper': {
        const known = this.names.get(net.key);
        if (known !== undefined) return known;
        const name = `cell__${this.declared.length}`;
        this.names.set(net.key, name);
        this.declared.push(name);
        return name;
      }
    }
  }

  instance(prefix: string): string {
    return `${prefix}${this.count++}`;
  }

  /** Declarations of the helper wires, to stand before what drives them. */
  declarations(): readonly string[] {
    return this.declared.map((name) => `  wire ${name};`);
  }
}
