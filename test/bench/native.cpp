// Times a generated C++ emulator for speed.ts: native LIBRARY FUNCTION EVENTS ELEMENTS RESULTS INPUT OUTPUT, where INPUT
// holds EVENTS x ELEMENTS float64. Runs once, writes the RESULTS float64 of each event to OUTPUT, says "ready"; then each
// line on stdin runs all events again and prints the CPU seconds that took.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <dlfcn.h>
#include <string>
#include <vector>

using Run = int (*)(size_t, const double* const*, double* const*);

int main(int argc, char** argv) {
  if (argc != 8) return 1;
  void* library = dlopen(argv[1], RTLD_NOW);
  if (library == nullptr) return std::fprintf(stderr, "%s\n", dlerror()), 1;
  const Run run = reinterpret_cast<Run>(dlsym(library, argv[2]));
  if (run == nullptr) return std::fprintf(stderr, "%s\n", dlerror()), 1;
  const size_t events = std::strtoull(argv[3], nullptr, 10), elements = std::strtoull(argv[4], nullptr, 10), results = std::strtoull(argv[5], nullptr, 10);
  std::vector<double> in(events * elements), out(events * results);
  std::FILE* file = std::fopen(argv[6], "rb");
  if (file == nullptr || std::fread(in.data(), sizeof(double), in.size(), file) != in.size()) return 1;
  std::fclose(file);
  const double* const inputs[] = {in.data()};
  double* const outputs[] = {out.data()};
  if (run(events, inputs, outputs) != 0) return 1;
  file = std::fopen(argv[7], "wb");
  if (file == nullptr || std::fwrite(out.data(), sizeof(double), out.size(), file) != out.size()) return 1;
  std::fclose(file);
  std::printf("{}\n");
  std::fflush(stdout);
  for (int c; (c = std::getchar()) != EOF;) {
    if (c != '\n') continue;
    const std::clock_t start = std::clock();
    run(events, inputs, outputs);
    std::printf("%.9f\n", double(std::clock() - start) / CLOCKS_PER_SEC);
    std::fflush(stdout);
  }
}
