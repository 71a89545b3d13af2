// Vector mathematics without libm: exp, log, sums and selections over the VW lanes of a vf, and the same for one float.
// exp and log follow the reductions and polynomials of expf and logf in S. Moshier's Cephes library (netlib.org/cephes);
// measured against libm: exp within 1.3 ulp where the result is a normal number (smaller ones become 0), log within 1 ulp.
#ifndef XUEBA_VMATH_H
#define XUEBA_VMATH_H
#include "xueba.h"

typedef float vf4 __attribute__((vector_size(16), aligned(4)));

static inline vf vset(float x) { return x - (vf){0}; }
static inline vf vload(const float *p) { return *(const vf *)p; }
static inline void vstore(float *p, vf v) { *(vf *)p = v; }

// The first n < VW lanes: the end of a row. The others are 0.
static inline vf vload_n(const float *p, int64_t n) {
  vf v = vset(0);
  __builtin_memcpy(&v, p, (size_t)n * sizeof(float));
  return v;
}
static inline void vstore_n(float *p, vf v, int64_t n) { __builtin_memcpy(p, &v, (size_t)n * sizeof(float)); }

// mask ? a : b, where the lanes of a mask are all ones or zero, as comparisons give them.
static inline vf vselect(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }
static inline vf vmax(vf a, vf b) { return vselect(a > b, a, b); }

// Shuffles. GCC before 12 has only those between vectors of one size; there the rest goes through memory.
#ifdef __has_builtin
#if __has_builtin(__builtin_shufflevector)
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#endif
#endif
#ifndef SHUFFLE
typedef int32_t vi4 __attribute__((vector_size(16), aligned(4)));
#define INDEX_OF(a) __typeof__(__builtin_choose_expr(sizeof(a) == 16, (vi4){0}, (vi){0}))
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (INDEX_OF(a)){__VA_ARGS__})
#define SHUFFLES_OF_ONE_SIZE
#endif

// VW/4 groups of four lanes into a vector; those after the first VW/4 are not looked at.
static inline vf vjoin(vf4 a, vf4 b, vf4 c, vf4 d) {
  (void)b, (void)c, (void)d;
#if VW == 4
  return a;
#elif defined(SHUFFLES_OF_ONE_SIZE)
  union { vf4 q[4]; vf v; } u = {{a, b, c, d}};
  return u.v;
#elif VW == 8
  return SHUFFLE(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
#else
  return SHUFFLE(SHUFFLE(a, b, 0, 1, 2, 3, 4, 5, 6, 7), SHUFFLE(c, d, 0, 1, 2, 3, 4, 5, 6, 7), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
                 10, 11, 12, 13, 14, 15);
#endif
}

// The groups of four lanes added up, halves first, so that sums have one fixed order on each width.
static inline vf4 vfold_sum(vf v) {
#if VW == 4
  return v;
#elif defined(SHUFFLES_OF_ONE_SIZE)
  union { vf v; vf4 q[VW / 4]; } u = {v};
  return VW == 8 ? u.q[0] + u.q[1] : (u.q[0] + u.q[VW / 8]) + (u.q[1] + u.q[VW / 4 - 1]);
#elif VW == 8
  return SHUFFLE(v, v, 0, 1, 2, 3) + SHUFFLE(v, v, 4, 5, 6, 7);
#else
  typedef float vf8 __attribute__((vector_size(32), aligned(4)));
  vf8 a = SHUFFLE(v, v, 0, 1, 2, 3, 4, 5, 6, 7) + SHUFFLE(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  return SHUFFLE(a, a, 0, 1, 2, 3) + SHUFFLE(a, a, 4, 5, 6, 7);
#endif
}

static inline float vsum(vf v) {
  vf4 a = vfold_sum(v);
  return (a[0] + a[2]) + (a[1] + a[3]);
}

// The sums of four vectors, each added up in the order of vsum.
static inline vf4 vsum4(vf a, vf b, vf c, vf d) {
  vf4 p = vfold_sum(a), q = vfold_sum(b), r = vfold_sum(c), s = vfold_sum(d);
  vf4 x = SHUFFLE(p, q, 0, 1, 4, 5) + SHUFFLE(p, q, 2, 3, 6, 7);
  vf4 y = SHUFFLE(r, s, 0, 1, 4, 5) + SHUFFLE(r, s, 2, 3, 6, 7);
  return SHUFFLE(x, y, 0, 2, 4, 6) + SHUFFLE(x, y, 1, 3, 5, 7);
}

static inline float vmaximum(vf v) {
#if VW == 16
  v = vmax(v, SHUFFLE(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  v = vmax(v, SHUFFLE(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3));
#elif VW == 8
  v = vmax(v, SHUFFLE(v, v, 4, 5, 6, 7, 0, 1, 2, 3));
#endif
  float a = v[0] > v[1] ? v[0] : v[1], b = v[2] > v[3] ? v[2] : v[3];
  return a > b ? a : b;
}

// e^x: x = n ln 2 + r, |r| <= ln 2 / 2; a polynomial in r, then n is added to the exponent. 0 below -87.33, infinity above 88.72.
static inline vf vexp(vf x) {
  const vf magic = vset(12582912.0f); // 1.5 * 2^23: adding it rounds to an integer, which lands in the low bits
  vf t = FMA(x, vset(1.44269504088896341f), magic), n = t - magic;
  vf r = FMA(n, vset(-0.693359375f), x);
  r = FMA(n, vset(2.12194440e-4f), r);
  vf p = FMA(vset(1.9875691500e-4f), r, vset(1.3981999507e-3f));
  p = FMA(p, r, vset(8.3334519073e-3f));
  p = FMA(p, r, vset(4.1665795894e-2f));
  p = FMA(p, r, vset(1.6666665459e-1f));
  p = FMA(p, r, vset(5.0000001201e-1f));
  p = FMA(p, r * r, r + 1.0f);
  vf y = (vf)((vi)p + ((vi)t << 23));
  y = (vf)((vi)y & ~(x < -87.33654f));
  return vselect(x != x, x, vselect(x > 88.72283f, vset(__builtin_inff()), y));
}

// ln x: x = 2^e m, m in [sqrt(1/2), sqrt(2)); a polynomial in m - 1. -infinity at 0, NaN below.
static inline vf vlog(vf x) {
  vi tiny = x < 1.17549435e-38f;
  vf z = vselect(tiny, x * 33554432.0f, x); // denormals: times 2^25
  vi bits = (vi)z, e = ((bits >> 23) & 255) - 126 - (tiny & 25);
  vf m = (vf)((bits & 0x007fffff) | 0x3f000000); // in [1/2, 1)
  vi low = m < 0.707106781186547524f;
  e += low; // the mask is -1
  m = m - 1.0f + (vf)((vi)m & low);
  vf m2 = m * m, n = __builtin_convertvector(e, vf);
  vf p = FMA(vset(7.0376836292e-2f), m, vset(-1.1514610310e-1f));
  p = FMA(p, m, vset(1.1676998740e-1f));
  p = FMA(p, m, vset(-1.2420140846e-1f));
  p = FMA(p, m, vset(1.4249322787e-1f));
  p = FMA(p, m, vset(-1.6668057665e-1f));
  p = FMA(p, m, vset(2.0000714765e-1f));
  p = FMA(p, m, vset(-2.4999993993e-1f));
  p = FMA(p, m, vset(3.3333331174e-1f));
  vf y = FMA(n, vset(-2.12194440e-4f), p * m * m2);
  y = FMA(m2, vset(-0.5f), y);
  y = FMA(n, vset(0.693359375f), m + y);
  y = vselect(x == 0.0f, vset(-__builtin_inff()), y);
  y = vselect(x < 0.0f, vset(__builtin_nanf("")), y);
  return vselect((x == __builtin_inff()) | (x != x), x, y);
}

static inline float vdot(const float *a, const float *b, int64_t n) {
  vf s = vset(0);
  int64_t i = 0;
  for (; i + VW <= n; i += VW) s = FMA(vload(a + i), vload(b + i), s);
  float rest = 0;
  for (; i < n; i++) rest += a[i] * b[i];
  return vsum(s) + rest;
}

static inline float exp1(float x) { return vexp(vset(x))[0]; }
static inline float log1(float x) { return vlog(vset(x))[0]; }

#endif
