/* {{title}}
 * Written by Trigforge. Bit-exact emulator of the firmware, which has {{latency}} cycles of latency at {{clock}} MHz.
 *
 * Arrays are [event][element], elements in C order. Values are rounded and overflowed by each element's type, as
 * ap_fixed does; raw integers are value * 2^fraction bits. Every function may be called from several threads at once.
 * Those that return int give 0, or 1 where an input is NaN or infinite, 2 where there is no memory.
{{ports}}
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define {{macro}}_API __declspec(dllexport)
#elif defined(__GNUC__)
#define {{macro}}_API __attribute__((visibility("default")))
#else
#define {{macro}}_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* One event, many events; values, raw integers. */
{{declarations}}

/* The same with one pointer a port, in the order above. */
{{macro}}_API int {{prefix}}_run(size_t events, const double *const *inputs, double *const *outputs);
{{macro}}_API int {{prefix}}_run_raw(size_t events, const int64_t *const *inputs, int64_t *const *outputs);
{{macro}}_API int {{prefix}}_run_to_raw(size_t events, const double *const *inputs, int64_t *const *outputs);
{{macro}}_API int {{prefix}}_run_from_raw(size_t events, const int64_t *const *inputs, double *const *outputs);

/* Names, shapes and types of the ports as JSON; hash of model and options, hex; version of the model. */
{{macro}}_API const char *{{prefix}}_schema(void);
{{macro}}_API const char *{{prefix}}_hash(void);
{{macro}}_API int {{prefix}}_version(void);

#ifdef __cplusplus
} /* extern "C" */

namespace {{namespace}} {

// ap_fixed<width, integer>; a raw integer is value * 2^(width - integer).
struct ElementType {
  bool is_signed;
  int width;
  int integer;
};

constexpr int version = {{version}};
constexpr char hash[] = "{{hash}}";
constexpr int latency_cycles = {{latency}};
constexpr double clock_mhz = {{clock}};

namespace ports {
{{portConstants}}
} // namespace ports

{{structs}}

// False where an input is NaN or infinite.
inline bool predict(const Input& in, Output& out) { return {{prefix}}_predict({{inNames}}, {{outNames}}) == 0; }
inline bool predict(const RawInput& in, RawOutput& out) { return {{prefix}}_predict_raw({{inNames}}, {{outNames}}) == 0; }

} // namespace {{namespace}}
#endif
