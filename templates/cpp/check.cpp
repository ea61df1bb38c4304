// {{title}}
// Runs the emulator on the events of the testbench and compares every bit: check ../../testbench/vectors.txt
#include "{{top}}.h"
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace {

using {{namespace}}::ElementType;

struct Port {
  std::vector<ElementType> types;
  std::size_t elements;
  std::size_t words;
  // A value saturates symmetrically: it is never the lowest integer, which a raw integer may be.
  bool symmetric;
  const ElementType& type(std::size_t i) const { return types[types.size() == 1 ? 0 : i]; }
};

const Port inputs[{{inputPorts}}] = {
{{inputTypes}}
};
const Port outputs[{{outputPorts}}] = {
{{outputTypes}}
};

// Bits [at, at + width) of a bus in hexadecimal, as words of a two's complement integer.
void unpack(const std::string& hex, std::size_t at, const ElementType& type, std::int64_t* words, std::size_t count) {
  const auto bit = [&](std::size_t i) -> std::uint64_t {
    const char c = hex[hex.size() - 1 - i / 4];
    const int digit = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
    return digit >> (i % 4) & 1;
  };
  const std::uint64_t sign = type.is_signed ? bit(at + std::size_t(type.width) - 1) : 0;
  for (std::size_t w = 0; w < count; ++w) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < 64; ++i) {
      const std::size_t k = 64 * w + i;
      word |= (k < std::size_t(type.width) ? bit(at + k) : sign) << i;
    }
    words[w] = std::int64_t(word);
  }
}

void append(const std::string& bus, const Port* ports, std::size_t count, std::vector<std::vector<std::int64_t>>& raw) {
  std::size_t at = 0;
  for (std::size_t p = 0; p < count; ++p) {
    for (std::size_t i = 0; i < ports[p].elements; ++i) {
      raw[p].resize(raw[p].size() + ports[p].words);
      unpack(bus, at, ports[p].type(i), &raw[p][raw[p].size() - ports[p].words], ports[p].words);
      at += std::size_t(ports[p].type(i).width);
    }
  }
}

// Values of raw integers; false where float64 does not hold them.
bool values(const Port& port, const std::vector<std::int64_t>& raw, std::vector<double>& out) {
  out.resize(raw.size() / port.words);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const ElementType& type = port.type(i % port.elements);
    if (type.width > 53 || (port.symmetric && type.is_signed && raw[i * port.words] == -(std::int64_t(1) << (type.width - 1)))) return false;
    out[i] = std::ldexp(double(raw[i * port.words]), type.integer - type.width);
  }
  return true;
}

} // namespace

int main(int argc, char** argv) {
  const char* path = argc > 1 ? argv[1] : "../../testbench/vectors.txt";
  std::ifstream file(path);
  if (!file) {
    std::fprintf(stderr, "%s: cannot be read\n", path);
    return 2;
  }
  std::string word;
  while (file >> word && word != "events") {
  }
  std::size_t events = 0, in_words = 0, out_words = 0;
  if (!(file >> events >> in_words >> out_words)) {
    std::fprintf(stderr, "%s: holds no events\n", path);
    return 2;
  }
  std::vector<std::vector<std::int64_t>> in({{inputPorts}}), expected({{outputPorts}}), got({{outputPorts}});
  for (std::size_t e = 0; e < events; ++e) {
    std::string input, output;
    file >> input >> output;
    if (input.size() != 8 * in_words || output.size() != 8 * out_words) {
      std::fprintf(stderr, "%s: event %zu is not complete\n", path, e);
      return 2;
    }
    append(input, inputs, {{inputPorts}}, in);
    append(output, outputs, {{outputPorts}}, expected);
  }
  const std::int64_t* from[{{inputPorts}}];
  std::int64_t* to[{{outputPorts}}];
  for (std::size_t p = 0; p < {{inputPorts}}; ++p) from[p] = in[p].data();
  for (std::size_t p = 0; p < {{outputPorts}}; ++p) {
    got[p].resize(expected[p].size());
    to[p] = got[p].data();
  }
  std::size_t mismatches = {{namespace}}_run_raw(events, from, to) == 0 ? 0 : 1;
  for (std::size_t p = 0; p < {{outputPorts}}; ++p) {
    for (std::size_t i = 0; i < got[p].size(); ++i) {
      if (got[p][i] == expected[p][i]) continue;
      if (++mismatches == 1) std::printf("event %zu, output %zu, element %zu: should be %lld, is %lld\n", i / (outputs[p].elements * outputs[p].words), p, i / outputs[p].words % outputs[p].elements, (long long)expected[p][i], (long long)got[p][i]);
    }
  }
  // The same as values, where float64 holds them all.
  std::vector<std::vector<double>> values_in({{inputPorts}}), values_expected({{outputPorts}}), values_got({{outputPorts}});
  bool representable = true;
  const double* value_from[{{inputPorts}}];
  double* value_to[{{outputPorts}}];
  for (std::size_t p = 0; p < {{inputPorts}}; ++p) {
    representable = representable && values(inputs[p], in[p], values_in[p]);
    value_from[p] = values_in[p].data();
  }
  for (std::size_t p = 0; p < {{outputPorts}}; ++p) {
    representable = representable && values(outputs[p], expected[p], values_expected[p]);
    values_got[p].resize(values_expected[p].size());
    value_to[p] = values_got[p].data();
  }
  if (representable) {
    if ({{namespace}}_run(events, value_from, value_to) != 0) ++mismatches;
    for (std::size_t p = 0; p < {{outputPorts}}; ++p)
      for (std::size_t i = 0; i < values_got[p].size(); ++i)
        if (values_got[p][i] != values_expected[p][i]) ++mismatches;
  }
  std::printf("%s: %zu events, %zu mismatches\n", {{namespace}}_hash(), events, mismatches);
  return mismatches == 0 ? 0 : 1;
}
