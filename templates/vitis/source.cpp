// {{title}}
// Every value has exactly the type that its proven range needs, so nothing but the casts rounds or overflows.
#include "{{top}}.h"

namespace {

// x * 2^S: the same bits, the point moved.
template <int S, int W, int I, ap_q_mode Q, ap_o_mode O, int N>
ap_fixed<W, I + S> scaled(const ap_fixed<W, I, Q, O, N>& x) {
  ap_fixed<W, I + S> y;
  y.range() = x.range();
  return y;
}
template <int S, int W, int I, ap_q_mode Q, ap_o_mode O, int N>
ap_ufixed<W, I + S> scaled(const ap_ufixed<W, I, Q, O, N>& x) {
  ap_ufixed<W, I + S> y;
  y.range() = x.range();
  return y;
}

// The value with these bits, in hexadecimal.
template <class T>
T from_bits(const char* bits) {
  T y;
  y.range() = ap_uint<T::width>(bits, 16);
  return y;
}

// The value whose bits, as a whole number, are n.
template <class T>
T from_integer(long long n) {
  T y;
  y.range() = ap_uint<T::width>(n);
  return y;
}

{{tables}}

} // namespace

void {{function}}({{parameters}}) {
{{pragmas}}
{{body}}
}
