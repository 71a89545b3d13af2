// The register tile that gemm.c and attention.c share: a product of a few rows with a few vectors of columns that lives in
// registers while k runs, and the transposition that brings rows into the order it reads.
// The size is a matter of the register file: MR x NV sums, NV vectors of B and one of A must fit. No bit of a result depends on MR or NV,
// as long as BK is the same.
#ifndef XUEBA_TILE_H
#define XUEBA_TILE_H
#include "vmath.h"

#ifndef MR // rows of a tile
#if VW == 16
#define MR 14
#elif VW == 8
#define MR 6
#elif defined(__aarch64__)
#define MR 12
#else
#define MR 3
#define NV 3
#endif
#endif
#ifndef NV
#define NV 2                           // vectors in a row of a tile
#endif
#define NR (NV * VW)                   // columns of a tile
#define MP ((MR + VW - 1) / VW * VW)   // distance of two k's in packed rows
#ifdef __wasm__
#define BK 48                          // distance of two rows of a block of attention scores, a multiple of every NR there is
#else
#define BK (64 / NR * NR)
#endif
#define AHEAD 24                       // k's between a tile's reading of B and what it asks for in advance

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

// Row at which tile i of `tiles` begins: n rows dealt out as evenly as whole rows allow, at most MR to each.
static inline int64_t tiles_of(int64_t n) { return (n + MR - 1) / MR; }
static inline int64_t tile_row(int64_t n, int64_t tiles, int64_t i) { return n * i / tiles; }

// Indices of a shuffle that does the same in every group of four lanes.
#if VW == 16
#define LANES(a, b, c, d) a, b, c, d, a + 4, b + 4, c + 4, d + 4, a + 8, b + 8, c + 8, d + 8, a + 12, b + 12, c + 12, d + 12
#elif VW == 8
#define LANES(a, b, c, d) a, b, c, d, a + 4, b + 4, c + 4, d + 4
#else
#define LANES(a, b, c, d) a, b, c, d
#endif

// Four floats of each of the rows r, r+4, r+8, ... (VW/4 of them), one row to a group of lanes; row i is at p + i*ld, and rows
// after the last one are read as the last one.
INLINE vf load_lanes(const float *p, int64_t ld, int r, int last) {
#define LANE_GROUP(g) (*(const vf4 *)(p + (r + 4 * g < last ? r + 4 * g : last) * ld))
  return vjoin(LANE_GROUP(0), LANE_GROUP(1), LANE_GROUP(2), LANE_GROUP(3));
}

// VW rows of four floats into four vectors of VW floats: a 4x4 transposition inside every group of lanes.
INLINE void transpose(const float *p, int64_t ld, int last, float *to, int64_t width) {
  vf r0 = load_lanes(p, ld, 0, last), r1 = load_lanes(p, ld, 1, last);
  vf r2 = load_lanes(p, ld, 2, last), r3 = load_lanes(p, ld, 3, last);
  vf a = SHUFFLE(r0, r1, LANES(0, VW, 1, VW + 1));
  vf b = SHUFFLE(r2, r3, LANES(0, VW, 1, VW + 1));
  vf c = SHUFFLE(r0, r1, LANES(2, VW + 2, 3, VW + 3));
  vf d = SHUFFLE(r2, r3, LANES(2, VW + 2, 3, VW + 3));
  vstore(to, SHUFFLE(a, b, LANES(0, 1, VW, VW + 1)));
  vstore(to + width, SHUFFLE(a, b, LANES(2, 3, VW + 2, VW + 3)));
  vstore(to + 2 * width, SHUFFLE(c, d, LANES(0, 1, VW, VW + 1)));
  vstore(to + 3 * width, SHUFFLE(c, d, LANES(2, 3, VW + 2, VW + 3)));
}

// Packs rows 0 ... rows-1 of X (row i at x + i*ld, k contiguous) transposed: to[k*width + i]. width is a multiple of VW;
// what lies between rows and width is arbitrary, for nothing computed from it is stored.
static inline void pack_rows(const float *x, int64_t ld, int64_t rows, int64_t kc, float *to, int64_t width) {
  for (int64_t i = 0; i < rows; i += VW) {
    int last = (int)least(rows - i, VW) - 1;
    const float *p = x + i * ld;
    float *q = to + i;
    int64_t k = 0;
    if (last == VW - 1)
      for (; k + 4 <= kc; k += 4) transpose(p + k, ld, VW - 1, q + k * width, width);
    else
      for (; k + 4 <= kc; k += 4) transpose(p + k, ld, last, q + k * width, width);
    for (; k < kc; k++)
      for (int r = 0; r <= last; r++) q[k * width + r] = p[r * ld + k];
  }
}

// C[0..mr)[0..nv*VW) = alpha sum_k a[i*ai + k*ak] b[k*bk + j] + beta R; R has C's distance of rows, and may be C or absent (0).
INLINE void tile(int mr, int nv, int64_t kc, const float *a, int64_t ai, int64_t ak, const float *b, int64_t bk,
                 float alpha, float beta, const float *R, float *C, int64_t ldc) {
  vf sum[MR][NV];
  UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < nv; j++) sum[i][j] = (vf){0};
  for (; kc > 0; kc--, a += ak, b += bk) {
    vf y[NV];
    UNROLL for (int j = 0; j < nv; j++) {
      y[j] = vload(b + j * VW);
      __builtin_prefetch(b + AHEAD * bk + j * VW); // B comes from L2, at whose latency a fifth of the time went
    }
    UNROLL for (int i = 0; i < mr; i++) {
      vf x = vset(a[i * ai]);
      UNROLL for (int j = 0; j < nv; j++) sum[i][j] = FMA(x, y[j], sum[i][j]);
    }
  }
  UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < nv; j++) {
    vf z = alpha * sum[i][j];
    if (R) z = FMA(vset(beta), vload(R + i * ldc + j * VW), z);
    vstore(C + i * ldc + j * VW, z);
  }
}

// Tiles with fewer rows or a single vector of columns are compiled too, so that edges cost no more than they are worth.
#define TILE_CASE(m)                                                                                                   \
  case m:                                                                                                              \
    if (m > MR) break;                                                                                                 \
    if (nv == NV) tile(m > MR ? MR : m, NV, kc, a, TILE_AI, TILE_AK, b, bk, alpha, beta, R, C, ldc);                   \
    else tile(m > MR ? MR : m, 1, kc, a, TILE_AI, TILE_AK, b, bk, alpha, beta, R, C, ldc);                             \
    break;
#define TILE_CASES                                                                                                     \
  TILE_CASE(1) TILE_CASE(2) TILE_CASE(3) TILE_CASE(4) TILE_CASE(5) TILE_CASE(6) TILE_CASE(7)                           \
  TILE_CASE(8) TILE_CASE(9) TILE_CASE(10) TILE_CASE(11) TILE_CASE(12) TILE_CASE(13) TILE_CASE(14)

// a with its rows side by side: row i of step k at a[k*ak + i].
#define TILE_AI 1
#define TILE_AK ak
static inline void tile_packed(int mr, int nv, int64_t kc, const float *a, int64_t ak, const float *b, int64_t bk,
                               float alpha, float beta, const float *R, float *C, int64_t ldc) {
  switch (mr) { TILE_CASES }
}
#undef TILE_AI
#undef TILE_AK

// a as rows of a block of scores: row i of step k at a[i*BK + k].
#define TILE_AI BK
#define TILE_AK 1
static inline void tile_scores(int mr, int nv, int64_t kc, const float *a, const float *b, int64_t bk, float alpha,
                               float beta, const float *R, float *C, int64_t ldc) {
  switch (mr) { TILE_CASES }
}
#undef TILE_AI
#undef TILE_AK

#endif
