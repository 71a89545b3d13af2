// Products of few rows with weights of 8 bits (decoding): y = x W^T + beta R, where W is int8 with a factor for each of its rows.
// What a step of decoding costs is reading the weights, and these are a quarter of the bytes. Sums are f32: a row of W is widened
// in registers, multiplied, and its factor comes last. More rows go through gemm with the same weights in f32 (linear.ts).
#include "tile.h"

// VW bytes as floats. GCC makes fifty instructions of the portable line.
#if VW == 16
#include <immintrin.h>
INLINE vf widen(const int8_t *p) { return (vf)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)p))); }
#elif VW == 8
#include <immintrin.h>
INLINE vf widen(const int8_t *p) { return (vf)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)p))); }
#else
typedef int8_t bytes __attribute__((vector_size(VW), aligned(1)));
INLINE vf widen(const int8_t *p) { return __builtin_convertvector(*(const bytes *)p, vf); }
#endif

// Dots of mr rows of x with four rows of W, or one.
INLINE void dots8(int mr, int nr, int64_t K, const float *x, const int8_t *W, const float *factor, float beta,
                  const float *R, float *y, int64_t ld) {
  vf sum[4][4];
  UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < nr; j++) sum[i][j] = (vf){0};
  int64_t k = 0;
  for (; k + VW <= K; k += VW) {
    vf a[4];
    UNROLL for (int i = 0; i < mr; i++) a[i] = vload(x + i * K + k);
    UNROLL for (int j = 0; j < nr; j++) {
      vf w = widen(W + j * K + k);
      UNROLL for (int i = 0; i < mr; i++) sum[i][j] = FMA(a[i], w, sum[i][j]);
    }
  }
  UNROLL for (int i = 0; i < mr; i++) {
    float z[4];
    if (nr == 1) z[0] = vsum(sum[i][0]);
    else *(vf4 *)z = vsum4(sum[i][0], sum[i][1], sum[i][2], sum[i][3]);
    for (int64_t l = k; l < K; l++)
      for (int j = 0; j < nr; j++) z[j] += x[i * K + l] * (float)W[j * K + l];
    for (int j = 0; j < nr; j++) y[i * ld + j] = R ? z[j] * factor[j] + beta * R[i * ld + j] : z[j] * factor[j];
  }
}

// dims M N K; scalar beta; addresses x (M, K), W (N, K) as bytes, factors (N), y (M, N), R.
void k_linear_int8(const Command *c, int id, int threads) {
  int64_t M = c->dim[0], N = c->dim[1], K = c->dim[2], j, to;
  const float *x = F32(c, 0), *factor = F32(c, 2), *R = F32(c, 4);
  const int8_t *W = (const int8_t *)I32(c, 1);
  float *y = F32(c, 3), beta = c->scalar[0];
  share(N, 4, id, threads, &j, &to);
  for (int64_t wide; j < to; j += wide) {
    wide = to - j >= 4 ? 4 : 1;
    for (int64_t i = 0, high; i < M; i += high) {
      high = M - i >= 4 ? 4 : 1;
#define DOTS(m, n) dots8(m, n, K, x + i * K, W + j * K, factor + j, beta, R ? R + i * N + j : 0, y + i * N + j, N)
      if (wide == 4 && high == 4) DOTS(4, 4);
      else if (wide == 4) DOTS(1, 4);
      else if (high == 4) DOTS(4, 1);
      else DOTS(1, 1);
    }
  }
}
