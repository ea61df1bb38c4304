import { describe, expect, it } from 'vitest';
import { CompileError } from '../../src/errors.js';
import { parseClock, parseDecimal, parseLatency, toFloat } from '../../src/cli/units.js';

const clockOf = async (text: string) => (await parseClock(text)).frequencyMHz;
const cyclesOf = async (latency: string, clock: string) => {
  const { cycles, locked } = await parseLatency(latency, await parseClock(clock));
  return locked ? `=${cycles}` : cycles;
};

async function messageOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(() => undefined, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(CompileError);
  expect((error as CompileError).kind).toBe('config');
  return (error as CompileError).message;
}

describe('--clock', () => {
  it.each([
    ['320MHz', 320n, 1n], ['3.125ns', 320n, 1n], ['40MHz', 40n, 1n], ['25 ns', 40n, 1n], ['0.36 GHz', 360n, 1n],
    [' 2.7777ns ', 10_000_000n, 27_777n], ['1e3 kHz', 1n, 1n], ['3125 ps', 320n, 1n], ['320 megahertz', 320n, 1n],
  ])('%s is exact', async (text, n, d) => {
    expect(await clockOf(text)).toEqual({ n, d });
  });

  it('refuses what makes no sense, and says why', async () => {
    const texts = ['5 kg', '-3ns', 'abc', '0MHz', '0 ns', '1e99 Hz', '320', '320mhz', '320 mHz', '1.2.3 ns', '', '1e999 Hz', '16 cycles', 'NaN MHz', '1/0 ns'];
    expect(await Promise.all(texts.map((text) => messageOf(parseClock(text))))).toMatchInlineSnapshot(`
      [
        "--clock: '5 kg': 'kg' is no unit of frequency or time. Write a frequency or a period with its unit: 320MHz, 3.125ns.",
        "--clock: '-3ns': must be above zero. Write a frequency or a period with its unit: 320MHz, 3.125ns.",
        "--clock: 'abc': has no number in front. Write a frequency or a period with its unit: 320MHz, 3.125ns.",
        "--clock: '0MHz': must be above zero. Write a frequency or a period with its unit: 320MHz, 3.125ns.",
        "--clock: '0 ns': must be above zero. Write a frequency or a period with its unit: 320MHz, 3.125ns.",
        "--clock: '1e99 Hz': is outside 1 kHz to 10 GHz. Write a frequency or a period with its unit: 320MHz, 3.125ns.",
        "--clock: '320': has no unit. Write a frequency or a period with its unit: 320MHz, 3.125ns.",
        "--clock: '320mhz': 'mhz' is no unit of frequency or time. Did you mean MHz? Write a frequency or a period with its unit: 320MHz, 3.125ns.",
        "--clock: '320 mHz': is outside 1 kHz to 10 GHz. Did you mean MHz? Write a frequency or a period with its unit: 320MHz, 3.125ns.",
        "--clock: '1.2.3 ns': '1.2.3' is no number of a sensible size. Write a frequency or a period with its unit: 320MHz, 3.125ns.",
        "--clock: '': has no number in front. Write a frequency or a period with its unit: 320MHz, 3.125ns.",
        "--clock: '1e999 Hz': '1e999' is no number of a sensible size. Write a frequency or a period with its unit: 320MHz, 3.125ns.",
        "--clock: '16 cycles': 'cycles' is no unit of frequency or time. Write a frequency or a period with its unit: 320MHz, 3.125ns.",
        "--clock: 'NaN MHz': has no number in front. Write a frequency or a period with its unit: 320MHz, 3.125ns.",
        "--clock: '1/0 ns': '/0 ns' is no unit of frequency or time. Write a frequency or a period with its unit: 320MHz, 3.125ns.",
      ]
    `);
  });
});

describe('--latency', () => {
  it.each([
    ['50ns', '320MHz', 16], ['50 ns', '3.125 ns', 16], ['25ns', '40MHz', 1], ['49.999ns', '320MHz', 15], ['0.05 us', '320MHz', 16],
    ['16 cycles', '320MHz', 16], ['1 cycle', '40MHz', 1], ['0 cycles', '40MHz', 0], ['=16 cycles', '320MHz', '=16'], ['= 50ns', '320MHz', '=16'],
    ['2 BX', '320MHz', 16], ['2 BX', '360MHz', 18], ['2 BX', '40MHz', 2], ['2 BX', '40.08MHz', 2], ['1 bx', '320.64 MHz', 8], ['=1BX', '240MHz', '=6'],
    ['2 BX', '300MHz', 16], ['50 nanoseconds', '320MHz', 16], ['10ns', '40MHz', 0],
  ])('%s at %s is %s cycles', async (latency, clock, cycles) => {
    expect(await cyclesOf(latency, clock)).toBe(cycles);
  });

  it('keeps the budget as stated', async () => {
    expect(toFloat((await parseLatency('49.5ns', await parseClock('320MHz'))).budgetNs)).toBe(49.5);
    expect(toFloat((await parseLatency('2 BX', await parseClock('320MHz'))).budgetNs)).toBe(50);
  });

  it('refuses what makes no sense, and says why', async () => {
    const clock = await parseClock('320MHz');
    const texts = ['5 kg', '-3ns', 'abc', '16', '1.5 cycles', '-1 cycles', '40MHz', '1 s', '==3 cycles', '1e30 cycles', '50NS'];
    expect(await Promise.all(texts.map((text) => messageOf(parseLatency(text, clock))))).toMatchInlineSnapshot(`
      [
        "--latency: '5 kg': 'kg' is no unit of time. Write a time or cycles: 50ns, '16 cycles', '2 BX'; a leading = locks it.",
        "--latency: '-3ns': must not be negative. Write a time or cycles: 50ns, '16 cycles', '2 BX'; a leading = locks it.",
        "--latency: 'abc': has no number in front. Write a time or cycles: 50ns, '16 cycles', '2 BX'; a leading = locks it.",
        "--latency: '16': has no unit. Write a time or cycles: 50ns, '16 cycles', '2 BX'; a leading = locks it.",
        "--latency: '1.5 cycles': must be a whole number of cycles. Write a time or cycles: 50ns, '16 cycles', '2 BX'; a leading = locks it.",
        "--latency: '-1 cycles': must not be negative. Write a time or cycles: 50ns, '16 cycles', '2 BX'; a leading = locks it.",
        "--latency: '40MHz': 'MHz' is a unit of frequency, not of time. Write a time or cycles: 50ns, '16 cycles', '2 BX'; a leading = locks it.",
        "--latency: '1 s': is more than 10000 cycles. Write a time or cycles: 50ns, '16 cycles', '2 BX'; a leading = locks it.",
        "--latency: '==3 cycles': has no number in front. Write a time or cycles: 50ns, '16 cycles', '2 BX'; a leading = locks it.",
        "--latency: '1e30 cycles': is more than 10000 cycles. Write a time or cycles: 50ns, '16 cycles', '2 BX'; a leading = locks it.",
        "--latency: '50NS': 'NS' is no unit of time. Did you mean ns? Write a time or cycles: 50ns, '16 cycles', '2 BX'; a leading = locks it.",
      ]
    `);
    expect(await messageOf(parseLatency('1 BX', await parseClock('10MHz')))).toMatchInlineSnapshot(`"--latency: '1 BX': the clock, 10 MHz, has less than one cycle a bunch crossing. Write a time or cycles: 50ns, '16 cycles', '2 BX'; a leading = locks it."`);
  });
});

describe('decimals', () => {
  it('are read without rounding', () => {
    expect(parseDecimal('0.1')).toEqual({ n: 1n, d: 10n });
    expect(parseDecimal('-12.50e2')).toEqual({ n: -1250n, d: 1n });
    expect(parseDecimal('.5')).toEqual({ n: 1n, d: 2n });
    expect(['', '.', '1e', '0x10', '1e999', '--1'].map(parseDecimal)).toEqual(Array(6).fill(undefined));
  });
});
