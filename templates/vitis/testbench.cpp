// {{title}}
// Runs the design on the events of ../testbench/vectors.txt and compares every bit.
#include "{{top}}.h"
#include <cstdio>
#include <fstream>
#include <string>

namespace {

int bit(const std::string& hex, int i) {
  const char c = hex[hex.size() - 1 - i / 4];
  const int digit = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
  return digit >> (i % 4) & 1;
}

// Takes the next element of type E off a bus, as a value of T.
template <class E, class T>
void take(const std::string& hex, int& at, T& value) {
  E element;
  for (int i = 0; i < E::width; ++i) element[i] = bit(hex, at + i) != 0;
  at += E::width;
  value = element;
}

} // namespace

int main(int argc, char** argv) {
  std::ifstream file(argc > 1 ? argv[1] : "{{vectors}}");
  std::string word;
  while (file >> word && word != "events") {
  }
  long events = 0, mismatches = 0;
  int in_words = 0, out_words = 0;
  if (!(file >> events >> in_words >> out_words)) {
    std::printf("there are no vectors\n");
    return 2;
  }
  for (long e = 0; e < events; ++e) {
    std::string in, out;
    file >> in >> out;
    if (int(in.size()) != 8 * in_words || int(out.size()) != 8 * out_words) {
      std::printf("event %ld is not complete\n", e);
      return 2;
    }
{{declarations}}
    int at = 0;
{{reads}}
    {{function}}({{arguments}});
    at = 0;
{{compares}}
  }
  std::printf("{{top}}: %ld events, %ld mismatches\n", events, mismatches);
  return mismatches == 0 ? 0 : 1;
}
