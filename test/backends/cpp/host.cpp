// Loads emulators and runs them on arrays: host COMMAND...
//   open LIB PREFIX             the library becomes number 0, 1, …
//   run N MODE EVENTS INPUTS OUTPUTS FILE  MODE dd, di, id, ii (float64 or int64 in, out); INPUTS and OUTPUTS are values an
//                               event of each port, by commas; FILE holds the inputs port after port; results go to FILE.out
//   model N EVENTS IN OUT FILE  through create_model, one event after another, float64
//   close N
#include <any>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <string>
#include <vector>

namespace hls4mlEmulator {
class Model {
public:
  virtual void prepare_input(std::any input) = 0;
  virtual void predict() = 0;
  virtual void read_result(std::any result) = 0;
  virtual ~Model() = default;
};
} // namespace hls4mlEmulator

struct Library {
  void* handle;
  std::string prefix;
};

static void* symbol(const Library& library, const std::string& name) {
  void* found = dlsym(library.handle, name.c_str());
  if (found == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    std::exit(2);
  }
  return found;
}

static std::vector<std::size_t> sizes(const char* text) {
  std::vector<std::size_t> list;
  for (char* end = nullptr; *text != 0; text = *end == ',' ? end + 1 : end) list.push_back(std::strtoul(text, &end, 10));
  return list;
}

static std::vector<std::uint64_t> read(const std::string& path) {
  std::vector<std::uint64_t> words;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) std::exit(3);
  std::uint64_t word;
  while (std::fread(&word, 8, 1, file) == 1) words.push_back(word);
  std::fclose(file);
  return words;
}

static void write(const std::string& path, const std::vector<std::uint64_t>& words) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr || std::fwrite(words.data(), 8, words.size(), file) != words.size()) std::exit(3);
  std::fclose(file);
}

// Every word is the bits of a float64 or an integer: the functions only differ in what they make of it.
typedef int Run(std::size_t, const std::uint64_t* const*, std::uint64_t* const*);

int main(int argc, char** argv) {
  std::vector<Library> libraries;
  for (int i = 1; i < argc;) {
    const std::string command = argv[i++];
    if (command == "open") {
      Library library{dlopen(argv[i], RTLD_NOW | RTLD_LOCAL), argv[i + 1]};
      if (library.handle == nullptr) {
        std::fprintf(stderr, "%s\n", dlerror());
        return 2;
      }
      const auto hash = reinterpret_cast<const char* (*)()>(symbol(library, library.prefix + "_hash"));
      const auto version = reinterpret_cast<int (*)()>(symbol(library, library.prefix + "_version"));
      std::printf("opened %s version %d hash %s\n", argv[i + 1], version(), hash());
      libraries.push_back(library);
      i += 2;
    } else if (command == "close") {
      const int closed = dlclose(libraries[std::strtoul(argv[i++], nullptr, 10)].handle);
      std::printf("closed %d\n", closed);
    } else if (command == "run") {
      const Library& library = libraries[std::strtoul(argv[i], nullptr, 10)];
      const std::string mode = argv[i + 1];
      const std::string name = mode == "dd" ? "_run" : mode == "ii" ? "_run_raw" : mode == "di" ? "_run_to_raw" : "_run_from_raw";
      const std::size_t events = std::strtoul(argv[i + 2], nullptr, 10);
      const auto inputs = sizes(argv[i + 3]), outputs = sizes(argv[i + 4]);
      const auto data = read(argv[i + 5]);
      std::size_t total = 0;
      for (std::size_t size : outputs) total += size * events;
      // A sentinel behind the last value shows writes beyond the end.
      std::vector<std::uint64_t> results(total + 1, 0x5555555555555555ull);
      std::vector<const std::uint64_t*> from;
      std::vector<std::uint64_t*> to;
      std::size_t at = 0;
      for (std::size_t size : inputs) {
        from.push_back(data.data() + at);
        at += size * events;
      }
      if (at != data.size()) return 4;
      at = 0;
      for (std::size_t size : outputs) {
        to.push_back(results.data() + at);
        at += size * events;
      }
      const int status = reinterpret_cast<Run*>(symbol(library, library.prefix + name))(events, from.data(), to.data());
      if (results.back() != 0x5555555555555555ull) return 5;
      results.pop_back();
      write(std::string(argv[i + 5]) + ".out", results);
      std::printf("status %d\n", status);
      i += 6;
    } else if (command == "model") {
      const Library& library = libraries[std::strtoul(argv[i], nullptr, 10)];
      const std::size_t events = std::strtoul(argv[i + 1], nullptr, 10);
      const std::size_t in = std::strtoul(argv[i + 2], nullptr, 10), out = std::strtoul(argv[i + 3], nullptr, 10);
      const auto data = read(argv[i + 4]);
      const auto create = reinterpret_cast<hls4mlEmulator::Model* (*)()>(symbol(library, "create_model"));
      const auto destroy = reinterpret_cast<void (*)(hls4mlEmulator::Model*)>(symbol(library, "destroy_model"));
      hls4mlEmulator::Model* model = create();
      std::vector<double> input(in), output(out);
      std::vector<std::uint64_t> results(2 * events * out);
      for (std::size_t e = 0; e < events; ++e) {
        std::memcpy(input.data(), data.data() + e * in, in * 8);
        model->prepare_input(input.data());
        model->predict();
        model->read_result(output.data());
        std::memcpy(results.data() + e * out, output.data(), out * 8);
        model->read_result(reinterpret_cast<std::int64_t*>(results.data() + (events + e) * out));
      }
      bool refused = false;
      try {
        model->prepare_input(std::string("no pointer"));
      } catch (const std::exception&) {
        refused = true;
      }
      destroy(model);
      write(std::string(argv[i + 4]) + ".out", results);
      std::printf("model %s\n", refused ? "refuses what it does not know" : "takes anything");
      i += 5;
    } else return 1;
  }
  return 0;
}
