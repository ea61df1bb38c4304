# {{title}}
"""Every event of testbench/vectors.txt, back to back and with gaps, every output bit in the cycle in which it is due."""
import pathlib
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer

LATENCY = {{latency}}
# Port and width, first port in the lowest bits.
INPUTS = {{inputs}}
OUTPUTS = {{outputs}}


def vectors():
    """(input bus, output bus) of each event."""
    words = pathlib.Path(__file__).with_name("testbench").joinpath("vectors.txt").read_text().split()
    at = words.index("events")
    count = int(words[at + 1])
    buses = [int(word, 16) for word in words[at + 4 : at + 4 + 2 * count]]
    return list(zip(buses[0::2], buses[1::2]))


def drive(dut, bus):
    for name, width in INPUTS:
        getattr(dut, name).value = bus & ((1 << width) - 1)
        bus >>= width


def check(dut, bus, event):
    for name, width in OUTPUTS:
        got = int(getattr(dut, name).value)
        assert got == bus & ((1 << width) - 1), "event %d: %s is %x, should be %x" % (event, name, got, bus & ((1 << width) - 1))
        bus >>= width


async def run(dut, gaps):
    events = vectors()
    rng = random.Random(1)
    due = []
    cycle = at = checked = 0
    while checked < len(events):
        offer = at < len(events) and not (gaps and rng.random() < 0.4)
        dut.valid_in.value = int(offer)
        drive(dut, events[at][0] if offer else rng.getrandbits(sum(width for _, width in INPUTS)))
        if offer:
            due.append((cycle + LATENCY - 1, at))
            at += 1
        await FallingEdge(dut.clk)
        expected = bool(due) and due[0][0] == cycle
        assert int(dut.valid_out.value) == expected, "cycle %d: valid_out is not %d" % (cycle, expected)
        if expected:
            event = due.pop(0)[1]
            check(dut, events[event][1], event)
            checked += 1
        cycle += 1
    dut._log.info("%d events, 0 mismatches", checked)


async def reset(dut):
    cocotb.start_soon(Clock(dut.clk, 2, "ns").start())
    dut.rst.value = 1
    dut.valid_in.value = 0
    drive(dut, 0)
    for _ in range(LATENCY + 2):
        await FallingEdge(dut.clk)
    dut.rst.value = 0


@cocotb.test()
async def back_to_back(dut):
    if LATENCY == 0:
        for event, (given, wanted) in enumerate(vectors()):
            drive(dut, given)
            await Timer(1, "ns")
            check(dut, wanted, event)
        return
    await reset(dut)
    await run(dut, gaps=False)


@cocotb.test(skip=LATENCY == 0)
async def with_gaps(dut):
    await reset(dut)
    await run(dut, gaps=True)
