// The one Verilator harness of Trigforge. It knows no design: a generated wrapper (module trigforge_bench) gives every
// design the same five ports, and the bench file (format below) says what to drive and what must come out, cycle by
// cycle. Every clock edge is checked: valid_out always, every output bit whenever an event is due; and once more just
// before the next edge, with the next inputs already there, because outputs must be registered.
//
// Usage: bench BENCHFILE [--json] [--seed N]     exit code: 0 all equal, 1 mismatches, 2 unreadable bench file
//
// Bench file, text, in this order:
//   trigforge-bench 1
//   latency L                            declared register ranks; 0 is combinational
//   output NAME ELEMENTS                 one an output tensor, lowest bits of the bus first, followed by
//   type COUNT WIDTH s|u                 runs of equal element types, lowest element first
//   events N IN_WORDS OUT_WORDS          then N lines: input bus and output bus, hexadecimal, 8 digits a word
//   phase NAME CYCLES                    then one line a cycle: FLAGS EVENT EXPECT
// FLAGS: 1 valid_in, 2 rst, 4 print the probes. EVENT: whose inputs are driven (also where valid_in is 0: then they
// must not matter). EXPECT: the event due after this cycle's edge, -1 for none.

#include "Vbench.h"
#include "verilated.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr int SHOWN_MISMATCHES = 10;

struct Element {
    int tensor;
    int index;
    int lsb;
    int width;
    bool isSigned;
};

// Stands for the valid flag in reports.
constexpr Element VALID_OUT{-1, 0, 0, 1, false};

struct Cycle {
    int flags;
    long event;
    long expect;
};

struct Phase {
    std::string name;
    std::vector<Cycle> cycles;
};

struct Bench {
    long latency = 0;
    std::vector<std::string> outputs;
    std::vector<Element> elements;
    std::size_t inWords = 0;
    std::size_t outWords = 0;
    std::vector<uint32_t> ins;
    std::vector<uint32_t> outs;
    std::vector<Phase> phases;
};

// Splits the bench file into words; every complaint names the byte where reading stopped.
class Reader {
  public:
    explicit Reader(const char* path) {
        std::FILE* file = std::fopen(path, "rb");
        if (!file) throw std::runtime_error(std::string("cannot open ") + path);
        char block[1 << 16];
        std::size_t got;
        while ((got = std::fread(block, 1, sizeof block, file)) > 0) text_.append(block, got);
        std::fclose(file);
    }
    bool atEnd() {
        skipSpace();
        return at_ >= text_.size();
    }
    std::string word() {
        skipSpace();
        const std::size_t from = at_;
        while (at_ < text_.size() && static_cast<unsigned char>(text_[at_]) > ' ') ++at_;
        if (from == at_) fail("the file ends too early");
        return text_.substr(from, at_ - from);
    }
    void expect(const char* keyword) {
        const std::string found = word();
        if (found != keyword) fail("'" + found + "' found where '" + keyword + "' belongs");
    }
    long number() {
        const std::string digits = word();
        char* end = nullptr;
        const long value = std::strtol(digits.c_str(), &end, 10);
        if (*end != '\0') fail("'" + digits + "' is no number");
        return value;
    }
    // A bus: words × 8 hexadecimal digits, most significant first.
    void bus(std::vector<uint32_t>& to, std::size_t words) {
        skipSpace();
        if (at_ + words * 8 > text_.size()) fail("a bus is cut short");
        const std::size_t base = to.size();
        to.resize(base + words);
        for (std::size_t w = words; w-- > 0;) {
            uint32_t value = 0;
            for (int d = 0; d < 8; ++d) value = (value << 4) | digit(text_[at_++]);
            to[base + w] = value;
        }
    }
    [[noreturn]] void fail(const std::string& what) const {
        throw std::runtime_error(what + ", at byte " + std::to_string(at_));
    }

  private:
    void skipSpace() {
        while (at_ < text_.size() && static_cast<unsigned char>(text_[at_]) <= ' ') ++at_;
    }
    uint32_t digit(char c) const {
        if (c >= '0' && c <= '9') return static_cast<uint32_t>(c - '0');
        if (c >= 'a' && c <= 'f') return static_cast<uint32_t>(c - 'a' + 10);
        fail("no hexadecimal digit");
    }
    std::string text_;
    std::size_t at_ = 0;
};

Bench readBench(const char* path) {
    Reader in(path);
    Bench bench;
    in.expect("trigforge-bench");
    in.expect("1");
    in.expect("latency");
    bench.latency = in.number();
    std::string keyword = in.word();
    int lsb = 0;
    while (keyword == "output") {
        const int tensor = static_cast<int>(bench.outputs.size());
        bench.outputs.push_back(in.word());
        const long count = in.number();
        for (long done = 0; done < count;) {
            in.expect("type");
            const long run = in.number();
            const int width = static_cast<int>(in.number());
            const bool isSigned = in.word() == "s";
            if (run < 1 || width < 1) in.fail("an empty type");
            for (long i = 0; i < run; ++i, ++done) {
                bench.elements.push_back({tensor, static_cast<int>(done), lsb, width, isSigned});
                lsb += width;
            }
        }
        keyword = in.word();
    }
    if (keyword != "events") in.fail("'events' is missing");
    const long events = in.number();
    bench.inWords = static_cast<std::size_t>(in.number());
    bench.outWords = static_cast<std::size_t>(in.number());
    for (long e = 0; e < events; ++e) {
        in.bus(bench.ins, bench.inWords);
        in.bus(bench.outs, bench.outWords);
    }
    while (!in.atEnd()) {
        in.expect("phase");
        Phase phase;
        phase.name = in.word();
        const long cycles = in.number();
        for (long c = 0; c < cycles; ++c) {
            Cycle cycle{};
            cycle.flags = static_cast<int>(in.number());
            cycle.event = in.number();
            cycle.expect = in.number();
            if (cycle.event < 0 || cycle.event >= events || cycle.expect >= events) in.fail("no such event");
            phase.cycles.push_back(cycle);
        }
        bench.phases.push_back(std::move(phase));
    }
    return bench;
}

// The integer in bits [lsb, lsb + width) of a bus, in decimal, whatever its width.
std::string decimal(const uint32_t* bus, const Element& element) {
    std::vector<uint32_t> value((element.width + 31) / 32, 0);
    for (int i = 0; i < element.width; ++i) {
        const int bit = element.lsb + i;
        if ((bus[bit / 32] >> (bit % 32)) & 1u) value[i / 32] |= 1u << (i % 32);
    }
    const int top = element.width - 1;
    const bool negative = element.isSigned && ((value[top / 32] >> (top % 32)) & 1u);
    if (negative) {  // two's complement: invert and add one within the width
        uint64_t carry = 1;
        for (auto& word : value) {
            carry += static_cast<uint32_t>(~word);
            word = static_cast<uint32_t>(carry);
            carry >>= 32;
        }
        if (element.width % 32) value.back() &= (1u << (element.width % 32)) - 1u;
    }
    std::string digits;
    bool more = true;
    while (more) {
        uint64_t rest = 0;
        more = false;
        for (std::size_t w = value.size(); w-- > 0;) {
            rest = (rest << 32) | value[w];
            value[w] = static_cast<uint32_t>(rest / 10);
            rest %= 10;
            more = more || value[w] != 0;
        }
        digits.insert(digits.begin(), static_cast<char>('0' + rest));
    }
    return negative ? "-" + digits : digits;
}

bool sameBits(const uint32_t* a, const uint32_t* b, const Element& element) {
    for (int bit = element.lsb; bit < element.lsb + element.width; ++bit) {
        if (((a[bit / 32] ^ b[bit / 32]) >> (bit % 32)) & 1u) return false;
    }
    return true;
}

class Player {
  public:
    Player(const Bench& bench, bool json, int seed) : bench_(bench), json_(json) {
        context_.randReset(2);
        context_.randSeed(seed);
        top_ = std::make_unique<Vbench>(&context_);
        top_->clk = 0;
        got_.resize(bench.outWords);
    }

    // True if every cycle of every phase was as expected.
    bool run() {
        bool good = true;
        for (const Phase& phase : bench_.phases) good = runPhase(phase) && good;
        top_->final();
        return good;
    }

  private:
    bool runPhase(const Phase& phase) {
        shown_ = 0;
        long wrong = 0;
        long due = 0;
        long sent = -1;      // cycle of the first event sent
        long measured = -1;  // register ranks until the first valid_out after it
        bool lastGood = false;
        for (std::size_t t = 0; t < phase.cycles.size(); ++t) {
            const Cycle& cycle = phase.cycles[t];
            const bool first = sent < 0 && (cycle.flags & 3) == 1;
            if (first) sent = static_cast<long>(t);
            drive(cycle);
            if (first && top_->valid_out) measured = 0;
            // Just before the edge the outputs of the last cycle must still stand. One report a cycle is enough.
            if (lastGood && bench_.latency > 0 && !check(phase, t - 1, phase.cycles[t - 1].expect)) ++wrong;
            top_->clk = 1;
            top_->eval();
            if (measured < 0 && sent >= 0 && top_->valid_out) measured = static_cast<long>(t) - sent + 1;
            if (cycle.expect >= 0) ++due;
            lastGood = check(phase, t, cycle.expect);
            if (!lastGood) ++wrong;
        }
        report(phase, due, wrong, measured);
        return wrong == 0;
    }

    void drive(const Cycle& cycle) {
        top_->clk = 0;
        top_->valid_in = cycle.flags & 1;
        top_->rst = (cycle.flags >> 1) & 1;
        top_->probe = (cycle.flags >> 2) & 1;
        const uint32_t* in = &bench_.ins[static_cast<std::size_t>(cycle.event) * bench_.inWords];
        for (std::size_t w = 0; w < bench_.inWords; ++w) top_->in_bus[w] = in[w];
        top_->eval();
    }

    bool check(const Phase& phase, std::size_t t, long expect) {
        const bool valid = top_->valid_out != 0;
        if (valid != (expect >= 0)) {
            mismatch(phase, t, expect, VALID_OUT, expect >= 0 ? "1" : "0", valid ? "1" : "0");
            return false;
        }
        if (!valid) return true;
        for (std::size_t w = 0; w < bench_.outWords; ++w) got_[w] = top_->out_bus[w];
        const uint32_t* want = &bench_.outs[static_cast<std::size_t>(expect) * bench_.outWords];
        if (std::memcmp(got_.data(), want, bench_.outWords * sizeof(uint32_t)) == 0) return true;
        for (const Element& element : bench_.elements) {
            if (shown_ >= SHOWN_MISMATCHES) break;
            if (sameBits(got_.data(), want, element)) continue;
            mismatch(phase, t, expect, element, decimal(want, element), decimal(got_.data(), element));
        }
        return false;
    }

    void mismatch(const Phase& phase, std::size_t t, long event, const Element& at, const std::string& expected,
                  const std::string& got) {
        if (shown_++ >= SHOWN_MISMATCHES) return;
        const char* name = at.tensor < 0 ? "valid_out" : bench_.outputs[static_cast<std::size_t>(at.tensor)].c_str();
        if (json_) {
            std::printf("{\"mismatch\":{\"phase\":\"%s\",\"cycle\":%zu,\"event\":%ld,\"tensor\":%d,\"element\":%d,"
                        "\"expected\":\"%s\",\"got\":\"%s\"}}\n",
                        phase.name.c_str(), t, event, at.tensor, at.index, expected.c_str(), got.c_str());
        } else {
            std::printf("MISMATCH %s, cycle %zu, event %ld: %s[%d] should be %s, is %s\n", phase.name.c_str(), t, event,
                        name, at.index, expected.c_str(), got.c_str());
        }
    }

    void report(const Phase& phase, long due, long wrong, long measured) {
        if (json_) {
            std::printf("{\"phase\":\"%s\",\"cycles\":%zu,\"vectors\":%ld,\"mismatches\":%ld,\"latency\":%ld}\n",
                        phase.name.c_str(), phase.cycles.size(), due, wrong, measured);
        } else {
            std::printf("%-14s %zu cycles, %ld events, %ld mismatches, measured latency %ld\n", phase.name.c_str(),
                        phase.cycles.size(), due, wrong, measured);
        }
        std::fflush(stdout);
    }

    const Bench& bench_;
    const bool json_;
    VerilatedContext context_;
    std::unique_ptr<Vbench> top_;
    std::vector<uint32_t> got_;
    int shown_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    const char* path = nullptr;
    bool json = false;
    int seed = 1;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--json") == 0) json = true;
        else if (std::strcmp(argv[i], "--seed") == 0 && i + 1 < argc) seed = std::atoi(argv[++i]);
        else path = argv[i];
    }
    try {
        if (!path) throw std::runtime_error("usage: bench BENCHFILE [--json] [--seed N]");
        const Bench bench = readBench(path);
        return Player(bench, json, seed).run() ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench: %s\n", error.what());
        return 2;
    }
}
