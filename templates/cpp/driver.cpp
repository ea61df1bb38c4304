// {{title}}
#include "{{top}}.h"
#include "{{top}}_internal.h"
#include <new>

#if defined(__FAST_MATH__)
#error "-ffast-math changes the bits of the conversion from float64: compile without it"
#endif

namespace {{namespace}} {
namespace detail {
namespace {

{{inputs}}

{{outputs}}

void compute(Block& b, int count) {
{{compute}}
  (void)b;
  (void)count;
}

// The N events from `from` on, or `stage` filled with them where there are only `count`: the last one is repeated.
// An element takes one value, or `words` words of a raw integer.
constexpr std::size_t width(const double*, std::size_t) { return 1; }
constexpr std::size_t width(const i64*, std::size_t words) { return words; }

template <class T>
const T* staged(const T* from, std::size_t elements, int count, T* stage) {
  if (count == N) return from;
  for (int e = 0; e < N; ++e) std::memcpy(stage + std::size_t(e) * elements, from + std::size_t(e < count ? e : count - 1) * elements, elements * sizeof(T));
  return stage;
}

template <class In, class Out>
int blocks(Block& b, std::size_t events, const In* const* in, Out* const* out) {
  for (std::size_t from = 0; from < events; from += N) {
    const int count = events - from < std::size_t(N) ? int(events - from) : N;
{{loop}}
  }
  return 0;
}

template <class In, class Out>
int run(std::size_t events, const In* const* in, Out* const* out) {
  Block* block = new (std::nothrow) Block;
  if (block == nullptr) return 2;
  const int status = blocks(*block, events, in, out);
  delete block;
  return status;
}

} // namespace
} // namespace detail
} // namespace {{namespace}}

extern "C" {

int {{prefix}}_run(size_t events, const double* const* inputs, double* const* outputs) {
  return {{namespace}}::detail::run(events, inputs, outputs);
}

int {{prefix}}_run_raw(size_t events, const int64_t* const* inputs, int64_t* const* outputs) {
  return {{namespace}}::detail::run(events, inputs, outputs);
}

int {{prefix}}_run_to_raw(size_t events, const double* const* inputs, int64_t* const* outputs) {
  return {{namespace}}::detail::run(events, inputs, outputs);
}

int {{prefix}}_run_from_raw(size_t events, const int64_t* const* inputs, double* const* outputs) {
  return {{namespace}}::detail::run(events, inputs, outputs);
}

{{entryPoints}}

const char* {{prefix}}_schema(void) {
  return {{schema}};
}

const char* {{prefix}}_hash(void) { return "{{hash}}"; }

int {{prefix}}_version(void) { return {{version}}; }

} // extern "C"
