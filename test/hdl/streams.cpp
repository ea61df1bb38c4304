// Drives the streams ("lanes") of module trigforge_bench through valid/ready handshakes and checks what comes out: every
// event that was taken exactly once and in order, nothing else, standing until it is taken, and no cycle lost while
// nobody waits. Lanes are independent; all are driven at once.
//
// Usage: bench FILE    exit code: 0 good, 1 not, with a line for each kind of fault of each lane
// FILE, text: LANES CYCLES SEED, then for each lane: LATENCY IN_WORDS OUT_WORDS EVENTS and one line an event: its input
// and expected output, hexadecimal, 8 digits a word, highest word first. Lane n has words n·STRIDE upwards on the buses.
#include "Vbench.h"
#include "verilated.h"

#include <cstdint>
#include <cstdio>
#include <deque>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <vector>

using Words = std::vector<uint32_t>;

static Words readWords(std::istream& in, std::size_t count) {
    std::string hex;
    in >> hex;
    if (hex.size() != 8 * count) throw std::runtime_error("a line of the wrong length");
    Words words(count);
    for (std::size_t w = 0; w < count; w++) words[w] = std::stoul(hex.substr(8 * (count - 1 - w), 8), nullptr, 16);
    return words;
}

struct Lane {
    long latency = 0;
    std::size_t inWords = 0;
    std::vector<Words> ins;
    std::vector<Words> outs;
    std::size_t next = 0;            // event that the source offers
    bool offering = false;           // a source that has begun to offer does not withdraw
    std::deque<std::pair<std::size_t, long>> due; // events taken and not given, with the cycle of taking
    bool standing = false;           // the sink was offered something and did not take it
    Words stood;
    long taken = 0, given = 0, most = 0;
};

// How the outside behaves in a phase: chances in percent that source and sink are ready, in which cycles there is reset.
struct Phase {
    const char* name;
    long cycles;
    int source, sink, reset;
    bool bursts; // the sink waits and takes for long stretches
};

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    std::ifstream file(argv[1]);
    std::size_t lanes = 0;
    long cycles = 0;
    unsigned seed = 0;
    file >> lanes >> cycles >> seed;
    std::vector<Lane> all(lanes);
    for (Lane& lane : all) {
        std::size_t outWords = 0, events = 0;
        file >> lane.latency >> lane.inWords >> outWords >> events;
        for (std::size_t e = 0; e < events; e++) {
            lane.ins.push_back(readWords(file, lane.inWords));
            lane.outs.push_back(readWords(file, outWords));
        }
    }
    if (!file) return 2;
    VerilatedContext context;
    Vbench bench(&context);
    const std::size_t stride = STRIDE;
    std::mt19937 random(seed);
    const auto chance = [&](int percent) { return static_cast<int>(random() % 100) < percent; };
    std::map<std::string, long> faults;
    long now = 0;
    const auto eval = [&](int clk) { bench.clk = clk; bench.eval(); context.timeInc(1); };

    const Phase phases[] = {
        {"unstalled", 2000, 100, 100, 0, false}, {"both stall", cycles, 60, 60, 0, false}, {"source is slow", cycles / 2, 15, 100, 0, false},
        {"sink is slow", cycles / 2, 100, 20, 0, false}, {"sink in bursts", cycles, 90, 50, 0, true}, {"resets", cycles / 2, 80, 70, 2, false},
    };
    for (const Phase& phase : phases) {
        const auto fault = [&](std::size_t n, const std::string& what) { faults[std::string(phase.name) + ", lane " + std::to_string(n) + ": " + what]++; };
        bool awake = true;
        for (Lane& lane : all) lane.taken = lane.given = lane.most = 0;
        const long drain = 200;
        // The first cycle resets; the last ones drain.
        for (long cycle = 0; cycle < phase.cycles + drain; cycle++, now++) {
            const bool draining = cycle >= phase.cycles;
            const bool reset = cycle == 0 || (!draining && chance(phase.reset));
            if (cycle % 97 == 0 && phase.bursts) awake = !awake;
            bench.rst = reset;
            uint32_t valid = 0, ready = 0;
            for (std::size_t n = 0; n < lanes; n++) {
                Lane& lane = all[n];
                if (reset) lane.offering = false; // as AXI asks of a source in reset
                // Even in reset a source may offer: it must not be taken.
                if (!lane.offering) lane.offering = !draining && chance(phase.source);
                if (lane.offering) valid |= 1u << n;
                const Words& in = lane.ins[lane.next];
                for (std::size_t w = 0; w < lane.inWords; w++) bench.s_data[n * stride + w] = lane.offering ? in[w] : random();
                if (draining || (phase.bursts ? awake : chance(phase.sink))) ready |= 1u << n;
            }
            bench.s_valid = valid;
            bench.m_ready = ready;
            eval(0);
            // What stands just before the edge decides.
            for (std::size_t n = 0; n < lanes; n++) {
                Lane& lane = all[n];
                const bool sReady = bench.s_ready >> n & 1, mValid = bench.m_valid >> n & 1;
                const bool take = sReady && (valid >> n & 1), give = mValid && (ready >> n & 1);
                if (lane.standing && !mValid) fault(n, "m_valid fell before m_ready");
                if (mValid) {
                    if (lane.due.empty()) fault(n, "an event that was never taken, or twice");
                    else {
                        const auto [event, since] = lane.due.front();
                        Words got(lane.outs[event].size());
                        for (std::size_t w = 0; w < got.size(); w++) got[w] = bench.m_data[n * stride + w];
                        if (got != lane.outs[event]) fault(n, "wrong event or value");
                        if (lane.standing && got != lane.stood) fault(n, "m_data changed before m_ready");
                        lane.stood = got;
                        if (phase.source == 100 && phase.sink == 100 && now - since != lane.latency + 1) fault(n, "latency is not LATENCY + 1");
                        if (now - since < lane.latency + 1) fault(n, "given too early");
                    }
                }
                lane.standing = mValid && !give;
                if (give && !lane.due.empty()) { lane.due.pop_front(); lane.given++; }
                if (take) {
                    lane.due.emplace_back(lane.next, now);
                    lane.next = (lane.next + 1) % lane.ins.size();
                    lane.offering = false;
                    lane.taken++;
                }
                if (reset) {
                    if (take) fault(n, "taken in reset");
                    lane.due.clear();
                    lane.standing = false;
                }
                if (static_cast<long>(lane.due.size()) > lane.most) lane.most = lane.due.size();
                if (phase.source == 100 && phase.sink == 100 && cycle > 0 && !draining && !take) fault(n, "a cycle lost though nobody waits");
            }
            eval(1);
        }
        for (std::size_t n = 0; n < lanes; n++) {
            const Lane& lane = all[n];
            if (!lane.due.empty()) fault(n, "taken and never given");
            if (lane.taken < phase.cycles / 20) fault(n, "hardly anything was taken");
            if (phase.bursts && lane.most <= lane.latency) fault(n, "the sink's waiting never filled the places");
            std::printf("%s, lane %zu: %ld taken, %ld given, at most %ld inside\n", phase.name, n, lane.taken, lane.given, lane.most);
        }
    }
    for (const auto& [what, times] : faults) std::printf("FAULT %s (%ld times)\n", what.c_str(), times);
    return faults.empty() ? 0 : 1;
}
