// {{title}}
// The Model interface of hls4ml emulators: prepare_input, predict, read_result, and create_model / destroy_model as the
// only names of this library's own. What std::any holds is a pointer: {{top}}.h's Input, RawInput, Output, RawOutput;
// for one tensor also its double, float or int64_t elements, and ap_fixed of exactly its type where ap_fixed.h is
// found; for several a list of pointers, const double* const* and double* const*.
#include "{{top}}.h"
#include <any>
#include <new>
#include <stdexcept>

#if __has_include("hls4ml/emulator.h")
#include "hls4ml/emulator.h"
#elif __has_include("emulator.h")
#include "emulator.h"
#else
// The same class, for where that header is not.
namespace hls4mlEmulator {
class Model {
public:
  virtual void prepare_input(std::any input) = 0;
  virtual void predict() = 0;
  virtual void read_result(std::any result) = 0;
  virtual ~Model() = default;
};
} // namespace hls4mlEmulator
#endif
#if __has_include("ap_fixed.h")
#include "ap_fixed.h"
#define {{namespace}}_AP 1
#else
#define {{namespace}}_AP 0
#endif

namespace {{namespace}} {
namespace {

// What the pointer in `any` points to, const or not; nullptr where it is another type.
template <class T>
const T* pointer(const std::any& any) {
  if (const auto* p = std::any_cast<const T*>(&any)) return *p;
  if (const auto* p = std::any_cast<T*>(&any)) return *p;
  return nullptr;
}

template <class T>
T* target(const std::any& any) {
  const auto* p = std::any_cast<T*>(&any);
  return p == nullptr ? nullptr : *p;
}

class Emulator final : public hls4mlEmulator::Model {
public:
  void prepare_input(std::any any) override {
    is_raw_ = false;
    if (const auto* p = pointer<Input>(any)) {
      in_ = *p;
      return;
    }
    if (const auto* p = pointer<RawInput>(any)) {
      raw_in_ = *p;
      is_raw_ = true;
      return;
    }
{{prepare}}
    throw std::invalid_argument("{{top}}, version {{version}}: prepare_input holds a type that this model does not take");
  }

  void predict() override {
    const int status = is_raw_ ? {{namespace}}_run_from_raw(1, raw_in_list_, out_list_) : {{namespace}}_run(1, in_list_, out_list_);
    if (status == 2) throw std::bad_alloc();
    if (status != 0) throw std::invalid_argument("{{top}}, version {{version}}: an input is NaN or infinite");
  }

  void read_result(std::any any) override {
    if (auto* p = target<Output>(any)) {
      *p = out_;
      return;
    }
    if (auto* p = target<RawOutput>(any)) {
      raws();
      *p = raw_out_;
      return;
    }
{{read}}
    throw std::invalid_argument("{{top}}, version {{version}}: read_result holds a type that this model does not give");
  }

private:
  // The raw integers of the results are computed when they are asked for.
  void raws() {
    if (is_raw_) {{namespace}}_run_raw(1, raw_in_list_, raw_out_list_);
    else {{namespace}}_run_to_raw(1, in_list_, raw_out_list_);
  }

  bool is_raw_ = false;
  Input in_{};
  Output out_{};
  RawInput raw_in_{};
  RawOutput raw_out_{};
{{pointers}}
};

} // namespace
} // namespace {{namespace}}

extern "C" {{macro}}_API hls4mlEmulator::Model* create_model() { return new {{namespace}}::Emulator; }
extern "C" {{macro}}_API void destroy_model(hls4mlEmulator::Model* model) { delete model; }
