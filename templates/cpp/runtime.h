// What every emulator written by Trigforge shares: integers of any width and conversion to and from float64.
// Everything is in a namespace of this model and version, so that several of them fit in one process.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif
namespace {{namespace}} {
namespace detail {

typedef std::int16_t i16;
typedef std::int32_t i32;
typedef std::int64_t i64;
typedef std::uint16_t u16;
typedef std::uint32_t u32;
typedef std::uint64_t u64;

// Events computed at once: one loop of every function runs over them, and the compiler makes vectors of it.
constexpr int N = {{events}};
// 64-bit words of a wide integer.
constexpr int K = {{words}};

enum Rounding { TRN, TRN_ZERO, RND, RND_ZERO, RND_INF, RND_MIN_INF, RND_CONV };
enum Overflow { WRAP, SAT, SAT_ZERO, SAT_SYM };

// A two's complement integer of 64 * K bits, lowest word first: slow, for what 64 bits do not hold.
struct Wide {
  u64 w[K];
};

inline bool negative(const Wide& x) { return (x.w[K - 1] >> 63) != 0; }

inline Wide wide(i64 n) {
  Wide r;
  r.w[0] = u64(n);
  for (int i = 1; i < K; ++i) r.w[i] = n < 0 ? ~u64(0) : 0;
  return r;
}

inline Wide from_words(const u64* words, int count) {
  Wide r = wide(count > 0 && (words[count - 1] >> 63) != 0 ? -1 : 0);
  for (int i = 0; i < count && i < K; ++i) r.w[i] = words[i];
  return r;
}

template <u64... Words>
inline Wide wide_constant() {
  const u64 words[] = {Words...};
  return from_words(words, int(sizeof...(Words)));
}

inline void to_words(const Wide& a, i64* words, int count) {
  for (int i = 0; i < count; ++i) words[i] = i64(i < K ? a.w[i] : negative(a) ? ~u64(0) : 0);
}

inline Wide operator+(const Wide& a, const Wide& b) {
  Wide r;
  u64 carry = 0;
  for (int i = 0; i < K; ++i) {
    const u64 sum = a.w[i] + b.w[i];
    r.w[i] = sum + carry;
    carry = u64(sum < a.w[i]) | u64(r.w[i] < sum);
  }
  return r;
}

inline Wide operator~(const Wide& a) {
  Wide r;
  for (int i = 0; i < K; ++i) r.w[i] = ~a.w[i];
  return r;
}

inline Wide operator-(const Wide& a, const Wide& b) { return a + (~b + wide(1)); }

inline Wide operator*(const Wide& a, const Wide& b) {
  u32 x[2 * K], y[2 * K], z[2 * K];
  for (int i = 0; i < 2 * K; ++i) {
    x[i] = u32(a.w[i / 2] >> (32 * (i % 2)));
    y[i] = u32(b.w[i / 2] >> (32 * (i % 2)));
    z[i] = 0;
  }
  for (int i = 0; i < 2 * K; ++i) {
    u64 carry = 0;
    for (int j = 0; i + j < 2 * K; ++j) {
      const u64 sum = u64(x[i]) * y[j] + z[i + j] + carry;
      z[i + j] = u32(sum);
      carry = sum >> 32;
    }
  }
  Wide r;
  for (int i = 0; i < K; ++i) r.w[i] = u64(z[2 * i]) | u64(z[2 * i + 1]) << 32;
  return r;
}

inline Wide operator&(const Wide& a, const Wide& b) {
  Wide r;
  for (int i = 0; i < K; ++i) r.w[i] = a.w[i] & b.w[i];
  return r;
}

inline Wide operator|(const Wide& a, const Wide& b) { return ~(~a & ~b); }
inline Wide operator^(const Wide& a, const Wide& b) { return (a | b) & ~(a & b); }

inline bool operator==(const Wide& a, const Wide& b) {
  for (int i = 0; i < K; ++i)
    if (a.w[i] != b.w[i]) return false;
  return true;
}

inline bool operator<(const Wide& a, const Wide& b) {
  if (negative(a) != negative(b)) return negative(a);
  for (int i = K - 1; i >= 0; --i)
    if (a.w[i] != b.w[i]) return a.w[i] < b.w[i];
  return false;
}

inline Wide shl(const Wide& a, int by) {
  Wide r = wide(0);
  if (by >= 64 * K) return r;
  for (int i = K - 1; i >= by / 64; --i) {
    const int from = i - by / 64;
    r.w[i] = a.w[from] << (by % 64);
    if (by % 64 != 0 && from > 0) r.w[i] |= a.w[from - 1] >> (64 - by % 64);
  }
  return r;
}

// floor(a / 2^by)
inline Wide sar(const Wide& a, int by) {
  const u64 fill = negative(a) ? ~u64(0) : 0;
  Wide r = wide(negative(a) ? -1 : 0);
  if (by >= 64 * K) return r;
  for (int i = 0; i + by / 64 < K; ++i) {
    const int from = i + by / 64;
    const u64 above = from + 1 < K ? a.w[from + 1] : fill;
    r.w[i] = a.w[from] >> (by % 64);
    if (by % 64 != 0) r.w[i] |= above << (64 - by % 64);
  }
  return r;
}

// a * 2^by, rounded down.
inline Wide scaled(const Wide& a, int by) { return by >= 0 ? shl(a, by) : sar(a, -by); }

// a / 2^by rounded, for by > 0.
inline Wide rounded(const Wide& a, int by, Rounding rounding) {
  const Wide floor = sar(a, by);
  const Wide rest = a - shl(floor, by);
  if (by >= 64 * K) {
    // Less than half a step from 0: only the modes that look at the sign step up.
    const bool up = negative(a) && rounding != TRN;
    return up ? wide(0) : floor;
  }
  const Wide half = shl(wide(1), by - 1);
  const bool exact = rest == wide(0);
  const bool tie = rest == half;
  const bool above = half < rest || negative(rest);
  bool up = false;
  switch (rounding) {
    case TRN: break;
    case TRN_ZERO: up = negative(a) && !exact; break;
    case RND: up = above || tie; break;
    case RND_MIN_INF: up = above; break;
    case RND_INF: up = above || (tie && !negative(a)); break;
    case RND_ZERO: up = above || (tie && negative(a)); break;
    case RND_CONV: up = above || (tie && (floor.w[0] & 1) != 0); break;
  }
  return up ? floor + wide(1) : floor;
}

// Brings a rounded integer into `width` bits.
inline Wide overflowed(const Wide& a, bool is_signed, int width, Overflow overflow) {
  const Wide top = shl(wide(1), is_signed ? width - 1 : width);
  const Wide hi = top - wide(1);
  const Wide lo = !is_signed ? wide(0) : overflow == SAT_SYM ? wide(0) - hi : wide(0) - top;
  const bool below = a < lo;
  if (!below && !(hi < a)) return a;
  switch (overflow) {
    case SAT:
    case SAT_SYM: return below ? lo : hi;
    case SAT_ZERO: return wide(0);
    case WRAP: break;
  }
  const Wide low = a & (shl(wide(1), width) - wide(1));
  return is_signed && !(low < top) ? low - shl(wide(1), width) : low;
}

// a / 2^by (a * 2^-by for a negative one) rounded and overflowed.
inline Wide cast(const Wide& a, int by, Rounding rounding, bool is_signed, int width, Overflow overflow) {
  return overflowed(by > 0 ? rounded(a, by, rounding) : shl(a, -by), is_signed, width, overflow);
}

// The nearest float64 of a * 2^exp.
inline double to_double(const Wide& a, int exp) {
  const bool below = negative(a);
  Wide magnitude = below ? wide(0) - a : a;
  int top = 64 * K - 1;
  while (top > 0 && (magnitude.w[top / 64] >> (top % 64) & 1) == 0) --top;
  if (top >= 64) {
    const int excess = top - 63;
    const Wide kept = sar(magnitude, excess);
    const bool sticky = !(shl(kept, excess) == magnitude);
    magnitude = wide(0);
    magnitude.w[0] = kept.w[0] | u64(sticky);
    exp += excess;
  }
  const double value = std::ldexp(double(magnitude.w[0]), exp);
  return below ? -value : value;
}

// One float64 as the integer of a type with `fraction` fraction bits, exactly.
inline Wide exact(double x, bool is_signed, int width, int fraction, Rounding rounding, Overflow overflow) {
  int exp = 0;
  const i64 mantissa = i64(std::ldexp(std::frexp(x, &exp), 53));
  const int up = exp - 53 + fraction;
  if (mantissa == 0) return wide(0);
  // Beyond width + 1 a shift changes no overflow, and what wraps is 0.
  return cast(wide(mantissa), -(up > width + 1 ? width + 1 : up), rounding, is_signed, width, overflow);
}

constexpr double pow2(int k) {
  double value = 1.0;
  for (; k > 0; --k) value *= 2.0;
  for (; k < 0; ++k) value *= 0.5;
  return value;
}

inline u64 bits_of(double x) {
  u64 bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

inline bool finite(double x) { return (bits_of(x) >> 52 & 0x7ff) != 0x7ff; }

// 1.5 * 2^52: added to a float64 below 2^51 it rounds it to the nearest integer, which is then in the low bits.
constexpr double MAGIC = 6755399441055744.0;
constexpr u64 MAGIC_BITS = 0x4338000000000000ull;

// A fixed-point type at the edge.
template <bool Signed, int Width, int Fraction, Rounding R, Overflow O>
struct Fixed {
  static constexpr double limit = 2251799813685248.0; // 2^51
  static constexpr double hi = pow2(Signed ? Width - 1 : Width) - 1;
  static constexpr double lo = !Signed ? 0.0 : O == SAT_SYM ? -hi : -pow2(Width - 1);
  static constexpr bool fast = Width <= 64 && Fraction <= 100 && Fraction >= -100;

  template <class T>
  static T wrapped(T n) {
    constexpr int spare = int(8 * sizeof(T)) - Width;
    if (spare <= 0) return n;
    // For 16-bit lanes the arithmetic is that of int, which holds the product.
    if (sizeof(T) == 2) {
      const i16 high = i16(n * (1 << (spare > 0 && spare < 16 ? spare : 0)));
      return Signed ? T(high >> (spare > 0 && spare < 16 ? spare : 0)) : T(n & ((1 << (Width < 16 ? Width : 0)) - 1));
    }
    constexpr u64 mask = Width >= 64 ? ~u64(0) : (u64(1) << (Width < 64 ? Width : 0)) - 1;
    if (!Signed) return T(u64(n) & mask);
    if (sizeof(T) == 4) return T(i32(u32(n) << (spare > 0 && spare < 32 ? spare : 0)) >> (spare > 0 && spare < 32 ? spare : 0));
    return T(i64(u64(n) << (spare > 0 && spare < 64 ? spare : 0)) >> (spare > 0 && spare < 64 ? spare : 0));
  }

  // N events, `stride` apart, into lanes. What comes back has one of its twelve highest bits set where some value is
  // not finite or not for this fast way: then `slow` must be called.
  template <class T>
  static u64 convert(const double* from, std::size_t stride, T* to) {
    u64 flags = 0;
    for (int e = 0; e < N; ++e) {
      const double x = from[std::size_t(e) * stride];
      const u64 magnitude = bits_of(x) & 0x7fffffffffffffffull;
      flags |= (magnitude + 0x0010000000000000ull) & 0x8000000000000000ull;
      // Scaling down can lose a tiny value: 0 < |x| < 2^-800.
      if (Fraction < 0) flags |= u64(magnitude - 1 < 0x0df0000000000000ull) << 63;
      double y = x * pow2(Fraction);
      if (O == SAT || O == SAT_SYM) {
        const double least = lo > -limit ? lo : -limit, most = hi < limit ? hi : limit;
        y = y < least ? least : y;
        y = y > most ? most : y;
      }
      const double shifted = y + MAGIC;
      const double nearest = shifted - MAGIC;
      if (!(O == SAT || O == SAT_SYM) || hi >= limit || lo <= -limit) flags |= (bits_of(shifted) ^ MAGIC_BITS) & 0xfff0000000000000ull;
      i64 n = i64(bits_of(shifted) - MAGIC_BITS);
      const double error = y - nearest;
      if (R == TRN) n -= nearest > y;
      if (R == TRN_ZERO) n += i64((nearest < y) & (y < 0)) - i64((nearest > y) & (y > 0));
      if (R == RND) n += error == 0.5;
      if (R == RND_MIN_INF) n -= error == -0.5;
      if (R == RND_INF) n += i64((error == 0.5) & (y > 0)) - i64((error == -0.5) & (y < 0));
      if (R == RND_ZERO) n += i64((error == 0.5) & (y < 0)) - i64((error == -0.5) & (y > 0));
      if (O == SAT_ZERO) n = (double(n) < lo) | (double(n) > hi) ? 0 : n;
      to[e] = O == WRAP ? wrapped(T(n)) : T(n);
    }
    return flags;
  }

  // The same for every float64; false if some value is not finite.
  template <class T>
  static bool slow(const double* from, std::size_t stride, T* to) {
    for (int e = 0; e < N; ++e) {
      const double x = from[std::size_t(e) * stride];
      if (!finite(x)) return false;
      to[e] = T(i64(exact(x, Signed, Width, Fraction, R, O).w[0]));
    }
    return true;
  }

  // Raw integers: what is beyond the type's bits does not count.
  template <class T>
  static void raw(const i64* from, std::size_t stride, T* to) {
    for (int e = 0; e < N; ++e) to[e] = wrapped(T(from[std::size_t(e) * stride]));
  }
};

// Values below lo or above hi, which the circuit was promised not to see, become the nearest it knows.
template <class T>
inline void clamp(T* lanes, T lo, T hi) {
  for (int e = 0; e < N; ++e) {
    const T n = lanes[e];
    lanes[e] = n < lo ? lo : n > hi ? hi : n;
  }
}

} // namespace detail
} // namespace {{namespace}}
#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
