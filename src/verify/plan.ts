import { seededRandom } from './random.js';

/** What one clock cycle drives, and what must come out of it. */
export interface PlanCycle {
  readonly valid: boolean;
  readonly reset: boolean;
  /** Print the probes at this cycle's edge. */
  readonly probe: boolean;
  /** Event on the input bus, also where `valid` is false: then it must not matter. */
  readonly event: number;
  /** Event due at the outputs after this cycle's edge, −1 for none: then `valid_out` must be 0. */
  readonly expect: number;
}

/** One check of the simulation: starts with a reset. */
export interface Phase {
  readonly name: 'latency' | 'back-to-back' | 'bubbles' | 'reset' | 'probe';
  readonly cycles: readonly PlanCycle[];
}

/**
 * The contract of the emitted Verilog as a model of its valid chain: an event accepted at edge k is due after edge
 * k + L − 1; a reset forgets everything in flight and accepts nothing. L = 0: due at once, no reset.
 */
class Stream {
  readonly cycles: PlanCycle[] = [];
  private readonly chain: number[];

  constructor(private readonly latency: number) {
    this.chain = new Array<number>(Math.max(1, latency)).fill(-1);
    if (latency > 0) this.put(0, false, true);
  }

  put(event: number, valid: boolean, reset = false, probe = false): void {
    if (reset) this.chain.fill(-1);
    else {
      this.chain.pop();
      this.chain.unshift(valid ? event : -1);
    }
    this.cycles.push({ valid, reset, probe, event, expect: this.chain[this.chain.length - 1] as number });
  }

  /** Empties the pipeline while other events stand on the inputs. */
  drain(events: number, extra = 2): void {
    for (let i = 0; i < this.latency + extra; i++) this.put((i * 7 + 1) % events, false);
  }
}

/** All phases for `events` events, the same for the same arguments. */
export function planPhases(events: number, latency: number, seed: number): Phase[] {
  const phases = [latencyPhase(events, latency), backToBackPhase(events, latency), bubblesPhase(events, latency, seed)];
  return latency === 0 ? phases : [...phases, resetPhase(events, latency, seed)];
}

/** Lone events with so much room after each that a later arrival than declared is seen as well. */
function latencyPhase(events: number, latency: number): Phase {
  const stream = new Stream(latency);
  for (let i = 0; i < Math.min(3, events); i++) {
    stream.put(i, true);
    stream.drain(events, latency + 16);
  }
  return { name: 'latency', cycles: stream.cycles };
}

function backToBackPhase(events: number, latency: number): Phase {
  const stream = new Stream(latency);
  for (let e = 0; e < events; e++) stream.put(e, true);
  stream.drain(events);
  return { name: 'back-to-back', cycles: stream.cycles };
}

/** Every event again, in bursts and gaps of random length; gaps carry other events with valid_in low. */
function bubblesPhase(events: number, latency: number, seed: number): Phase {
  const random = seededRandom(seed);
  const stream = new Stream(latency);
  for (let e = 0; e < events; ) {
    for (let burst = 1 + random(4); burst > 0 && e < events; burst--) stream.put(e++, true);
    for (let gap = random(4); gap > 0; gap--) stream.put(random(events), false);
  }
  stream.drain(events);
  return { name: 'bubbles', cycles: stream.cycles };
}

/** A stream cut by resets of one or two cycles, with the pipeline full or partly full, followed at once or after a pause. */
function resetPhase(events: number, latency: number, seed: number): Phase {
  const random = seededRandom(seed + 1);
  const stream = new Stream(latency);
  let e = 0;
  for (let cut = 0; cut < 8; cut++) {
    const run = cut % 2 === 0 ? latency + 4 + random(8) : 1 + random(latency + 1);
    for (let i = 0; i < run; i++) stream.put(e++ % events, true);
    for (let i = 0; i < (cut % 4 === 3 ? 2 : 1); i++) stream.put(e++ % events, cut % 3 !== 0, true);
    if (cut % 4 >= 2) stream.drain(events);
  }
  for (let i = 0; i < latency + 8; i++) stream.put(e++ % events, true);
  stream.drain(events);
  return { name: 'reset', cycles: stream.cycles };
}

/** One event between its neighbours, with the probes printed in each of the `latency` cycles it is inside. */
export function probePhase(before: number, event: number, after: number, events: number, latency: number): Phase {
  const stream = new Stream(latency);
  for (let i = 0; i < latency; i++) stream.put(before, true);
  stream.put(event, true, false, true);
  for (let i = 1; i < Math.max(1, latency); i++) stream.put(after, true, false, true);
  stream.drain(events);
  return { name: 'probe', cycles: stream.cycles };
}

/** The phase as the harness reads it. */
export function formatPhase(phase: Phase): string {
  const lines = [`phase ${phase.name} ${phase.cycles.length}`];
  for (const c of phase.cycles) lines.push(`${(c.valid ? 1 : 0) | (c.reset ? 2 : 0) | (c.probe ? 4 : 0)} ${c.event} ${c.expect}`);
  return `${lines.join('\n')}\n`;
}
