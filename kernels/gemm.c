// Matrix product C = alpha op(A) op(B) + beta R, packed and register-tiled (the scheme of Goto and van de Geijn, 2008).
//   K is cut into blocks of at most KC and N into blocks of at most NC, so that one packed block of B stays in L2.
//   All threads pack that block together (panels of NR columns, k outermost) and meet; then each computes its share of the
//   grid of tiles (rows of MR, columns of NR), packing for itself the A rows of the tile it works on, which stay in L1.
//   The next block of B goes into a second buffer, so that one barrier a block suffices.
// Every element of C is one chain of FMAs over k inside a K block, added up block by block. The blocks depend on K alone:
// its bits depend neither on the tile it fell into nor on the number of threads.
// Few rows times stored-transposed B (decoding: x W^T) take other paths that stream W once: `skinny` packs nothing, `narrow`
// changes the roles of A and B.
#include "tile.h"

#ifndef KC
#define KC 384
#endif
#ifndef NC
#define NC (768 / NR * NR)
#endif
#define GROUP 4 // tiles of transposed A that are packed at once
// K is cut into blocks of equal size, a multiple of 4.
static int64_t depth(int64_t K) {
  int64_t blocks = (K + KC - 1) / KC;
  return ((K + blocks - 1) / blocks + 3) / 4 * 4;
}
// Rows up to which nothing is packed (measured: with a small K the sums across lanes cost more than packing).
#ifndef SKINNY
#define SKINNY(K) ((K) < 256 ? 16 : 32)
#endif

// Rows for a tile that broadcasts them, copied to where they stay in L1 and do not fall on each other (rows 4 KB apart would).
#define ROW (KC + VW)
static void copy_tile(const float *x, int64_t ld, int64_t rows, int64_t kc, float *to) {
  for (int64_t i = 0; i < rows; i++, x += ld, to += ROW) {
    int64_t k = 0;
    for (; k + VW <= kc; k += VW) vstore(to + k, vload(x + k));
    for (; k < kc; k++) to[k] = x[k];
  }
}
#define TILE_AI ROW
#define TILE_AK 1
static inline void tile_rows(int mr, int nv, int64_t kc, const float *a, const float *b, int64_t bk, float alpha, float beta,
                             const float *R, float *C, int64_t ldc) {
  switch (mr) { TILE_CASES }
}
#undef TILE_AI
#undef TILE_AK

// Packs `count` neighbours of width `width`, whose first rows are at[0], at[1], ..., from X stored with k outermost (k at
// x + k*ld, `rows` of them contiguous): to[g*kc*width + k*width + i]. Side by side, so that memory is read along its lines.
// Whole vectors are read as long as they end before the last element that belongs to X.
static void pack_columns(const float *x, int64_t ld, int64_t rows, int64_t kc, const int64_t *at, int count, float *to,
                         int64_t stride, int64_t width) {
  for (int64_t k = 0; k < kc; k++, x += ld, to += width)
    for (int g = 0; g < count; g++) {
      const float *p = x + at[g];
      float *q = to + g * stride;
      if ((kc - 1 - k) * ld + rows - at[g] >= width)
        for (int64_t i = 0; i < width; i += VW) vstore(q + i, vload(p + i));
      else
        for (int64_t i = 0; i < rows - at[g]; i++) q[i] = p[i];
    }
}

// A tile of mr rows and nr columns: columns that do not fill vectors go through a temporary tile.
static void any_tile(int mr, int64_t nr, int64_t kc, const float *a, const float *b, float alpha, float beta,
                     const float *R, float *C, int64_t ldc) {
  int nv = nr <= VW ? 1 : NV;
  for (int i = 0; i < mr; i++) // C arrives while the sums are made
    for (int64_t j = 0; j < nr; j += 16) __builtin_prefetch((R ? R : C) + i * ldc + j, 1);
  if (nr == nv * VW) {
    tile_packed(mr, nv, kc, a, MP, b, NR, alpha, beta, R, C, ldc);
    return;
  }
  float t[MR * NR];
  tile_packed(mr, nv, kc, a, MP, b, NR, alpha, 0, 0, t, NR);
  for (int i = 0; i < mr; i++)
    for (int64_t j = 0; j < nr; j++) C[i * ldc + j] = R ? beta * R[i * ldc + j] + t[i * NR + j] : t[i * NR + j];
}

// Dots of `mr` rows of A with `nr` rows of B, vectors along k.
INLINE void dots(int mr, int nr, int64_t K, float alpha, const float *A, int64_t lda, const float *B, int64_t ldb,
                 float beta, const float *R, float *C, int64_t ldc) {
  vf sum[4][8];
  UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < nr; j++) sum[i][j] = (vf){0};
  int64_t k = 0;
  for (; k + VW <= K; k += VW) {
    vf x[4];
    UNROLL for (int i = 0; i < mr; i++) x[i] = vload(A + i * lda + k);
    UNROLL for (int j = 0; j < nr; j++) {
      vf y = vload(B + j * ldb + k);
      UNROLL for (int i = 0; i < mr; i++) sum[i][j] = FMA(x[i], y, sum[i][j]);
    }
  }
  UNROLL for (int i = 0; i < mr; i++) {
    float z[8];
    if (nr == 1) z[0] = vsum(sum[i][0]);
    else UNROLL for (int j = 0; j < nr; j += 4)
        *(vf4 *)(z + j) = vsum4(sum[i][j], sum[i][j + 1], sum[i][j + 2], sum[i][j + 3]);
    for (int64_t l = k; l < K; l++)
      for (int j = 0; j < nr; j++) z[j] += A[i * lda + l] * B[j * ldb + l];
    for (int j = 0; j < nr; j++) C[i * ldc + j] = R ? alpha * z[j] + beta * R[i * ldc + j] : alpha * z[j];
  }
}

// C = alpha A B^T + beta R for few rows of A: rows of B in turn, each read once from memory and then from L1.
#define ROWS (VW == 16 ? 4 : 2)
static void skinny(int64_t M, int64_t N, int64_t K, float alpha, const float *A, int64_t lda, const float *B, int64_t ldb,
                   float beta, const float *R, float *C, int64_t ldc, int id, int threads) {
  int64_t j, to;
  share(N, 8, id, threads, &j, &to);
  for (int64_t wide; j < to; j += wide) {
    wide = to - j >= 8 && M == 1 ? 8 : to - j >= 4 ? 4 : 1;
    const float *b = B + j * ldb;
    for (int64_t i = 0, high; i < M; i += high) {
      high = M - i >= ROWS ? ROWS : 1;
#define DOTS(m, n) dots(m, n, K, alpha, A + i * lda, lda, b, ldb, beta, R ? R + i * ldc + j : 0, C + i * ldc + j, ldc)
      if (wide == 8) DOTS(1, 8);
      else if (wide == 4 && high == 1) DOTS(1, 4);
      else if (wide == 4) DOTS(ROWS, 4);
      else if (high == 1) DOTS(1, 1);
      else DOTS(ROWS, 1);
    }
  }
}

// C = alpha A B^T + beta R for rows so few that packing B into shared panels would not pay (batched decoding). The roles change:
// A is packed once into panels, each thread copies its own rows of B, a tile at a time, into L1, and the tiles, which
// are C^T, gather in T until they leave as whole lines of C. Every element is the same chain of FMAs as in `product`.
#define NARROW 192
#define GATHER 8
static void narrow(int64_t M, int64_t N, int64_t K, float alpha, const float *A, int64_t lda, const float *B, int64_t ldb,
                   float beta, const float *R, float *C, int64_t ldc, int id, int threads) {
  int64_t deep = depth(K), blocks = (K + deep - 1) / deep, panels = (M + NR - 1) / NR, ld = panels * NR, u, end;
  float *packed = shared_panel_scratch(ld * K * sizeof(float));
  float *a = panel_scratch(id, (MR * ROW + GATHER * MR * ld) * sizeof(float)), *T = a + MR * ROW;
  share(panels * blocks, 1, id, threads, &u, &end);
  for (; u < end; u++) {
    int64_t k = u / panels * deep, i = u % panels * NR, kc = least(K - k, deep);
    pack_rows(A + i * lda + k, lda, least(M - i, NR), kc, packed + k * ld + i * kc, NR);
  }
  barrier();
  int64_t n;
  share(N, VW, id, threads, &n, &end);
  for (int64_t wide; n < end; n += wide) {
    wide = least(end - n, GATHER * MR);
    if (R) pack_rows(R + n, ldc, M, wide, T, ld);
    for (int64_t tiles = tiles_of(wide), t = 0; t < tiles; t++) {
      int64_t j = tile_row(wide, tiles, t), mr = tile_row(wide, tiles, t + 1) - j;
      for (int64_t k = 0; k < K; k += deep) {
        int64_t kc = least(K - k, deep);
        copy_tile(B + (n + j) * ldb + k, ldb, mr, kc, a);
        for (int64_t i = 0; i < M; i += NR) {
          float *c = T + j * ld + i;
          tile_rows((int)mr, M - i <= VW ? 1 : NV, kc, a, packed + k * ld + i * kc, NR, alpha, k ? 1 : beta, k || R ? c : 0, c,
                    ld);
        }
      }
    }
    if (wide % VW == 0) pack_rows(T, ld, wide, M, C + n, ldc);
    else
      for (int64_t i = 0; i < M; i++)
        for (int64_t j = 0; j < wide; j++) C[i * ldc + n + j] = T[j * ld + i];
  }
}

// C = beta R, for K = 0.
static void scale(int64_t M, int64_t N, float beta, const float *R, float *C, int64_t ldc, int id, int threads) {
  int64_t i, to;
  share(M, 1, id, threads, &i, &to);
  for (; i < to; i++)
    for (int64_t j = 0; j < N; j++) C[i * ldc + j] = R ? beta * R[i * ldc + j] : 0;
}

// Packed floats to the nearest bfloat16, ties to even.
static void round_bf16(float *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    uint32_t bits;
    __builtin_memcpy(&bits, x + i, 4);
    bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
    float y;
    __builtin_memcpy(&y, &bits, 4);
    x[i] = x[i] != x[i] ? x[i] : y;
  }
}

// One block of B, kc deep and `wide` wide, into panels to[panel][k][NR], shared by all threads in strips of k: long ones where
// k is contiguous, short ones across all panels where columns are.
static void pack_b(int half, int tb, const float *B, int64_t ldb, int64_t wide, int64_t kc, float *to, int id, int threads) {
  int64_t panels = (wide + NR - 1) / NR, strip = tb ? 64 : 8, strips = (kc + strip - 1) / strip, u, end;
  share(panels * strips, 1, id, threads, &u, &end);
  for (; u < end; u++) {
    int64_t j = (tb ? u / strips : u % panels) * NR, k = (tb ? u % strips : u / panels) * strip, ks = least(kc - k, strip);
    float *panel = to + j * kc + k * NR;
    if (tb) pack_rows(B + j * ldb + k, ldb, least(wide - j, NR), ks, panel, NR);
    else pack_columns(B + k * ldb, ldb, wide, ks, &j, 1, panel, 0, NR);
    if (half) round_bf16(panel, ks * NR);
  }
}

static void product(int half, int ta, int tb, int64_t M, int64_t N, int64_t K, float alpha, const float *A, int64_t lda,
                    const float *B, int64_t ldb, float beta, const float *R, float *C, int64_t ldc, int id, int threads) {
  if (M <= 0 || N <= 0) return;
  if (K <= 0) {
    scale(M, N, beta, R, C, ldc, id, threads);
    return;
  }
  if (half && bf16_product(ta, tb, M, N, K, alpha, A, lda, B, ldb, beta, R, C, ldc, id, threads)) return;
  if (M <= SKINNY(K) && tb && !ta && !half) {
    skinny(M, N, K, alpha, A, lda, B, ldb, beta, R, C, ldc, id, threads);
    return;
  }
  if (M <= NARROW && tb && !ta && !half) {
    narrow(M, N, K, alpha, A, lda, B, ldb, beta, R, C, ldc, id, threads);
    return;
  }
  int64_t deep = depth(K), tiles = tiles_of(M), packed = deep * least((N + NR - 1) / NR * NR, NC);
  float *buffers = shared_panel_scratch(2 * packed * sizeof(float)), *a = panel_scratch(id, GROUP * MP * KC * sizeof(float));
  int turn = 0;
  for (int64_t n = 0; n < N; n += NC) {
    int64_t wide = least(N - n, NC), panels = (wide + NR - 1) / NR;
    for (int64_t k = 0; k < K; k += deep, turn ^= 1) {
      int64_t kc = least(K - k, deep), u, to;
      float *b = buffers + turn * packed;
      pack_b(half, tb, tb ? B + n * ldb + k : B + k * ldb + n, ldb, wide, kc, b, id, threads);
      barrier();
      share(tiles * panels, 1, id, threads, &u, &to);
      int64_t first = 0, after = 0; // tiles that are packed
      for (; u < to; u++) {
        int64_t t = u / panels, j = u % panels * NR, i = tile_row(M, tiles, t), mr = tile_row(M, tiles, t + 1) - i;
        if (t >= after) {
          first = t, after = least(t + (ta ? GROUP : 1), (to - 1) / panels + 1);
          if (ta) {
            int64_t at[GROUP];
            for (int64_t g = first; g < after; g++) at[g - first] = tile_row(M, tiles, g);
            pack_columns(A + k * lda, lda, M, kc, at, (int)(after - first), a, MP * kc, MP);
          } else {
            pack_rows(A + i * lda + k, lda, least(M - i, MP), kc, a, MP); // rows of the next tile, too: full vectors
          }
          if (half) round_bf16(a, (after - first) * MP * kc);
        }
        float *c = C + i * ldc + n + j;
        const float *r = k ? c : R ? R + i * ldc + n + j : 0;
        any_tile((int)mr, least(wide - j, NR), kc, a + (t - first) * MP * kc, b + j * kc, alpha, k ? 1 : beta, r, c, ldc);
      }
    }
  }
}

void gemm(int half, int ta, int tb, int64_t M, int64_t N, int64_t K, float alpha, const float *A, int64_t lda,
          const float *B, int64_t ldb, float beta, const float *R, float *C, int64_t ldc, int id, int threads) {
  product(half, ta, tb, M, N, K, alpha, A, lda, B, ldb, beta, R, C, ldc, id, threads);
  barrier();
}

// dims M N K lda ldb ldc ta tb half; scalars alpha beta; addresses A B C R. The walker's barrier completes C.
void k_gemm(const Command *c, int id, int threads) {
  const int32_t *d = c->dim;
  product(d[8], d[6], d[7], d[0], d[1], d[2], c->scalar[0], F32(c, 0), d[3], F32(c, 1), d[4], c->scalar[1], F32(c, 3),
          F32(c, 2), d[5], id, threads);
}

// One tile in L1, over and over: how fast this size of it is. Returns the operations done.
double tile_flops(int64_t iterations) {
  static float a[KC * MP], b[KC * NR], c[MR * NR];
  for (int64_t i = 0; i < iterations; i++) tile_packed(MR, NV, KC, a, MP, b, NR, 1, 1, c, c, NR);
  return 2.0 * MR * NR * KC * iterations;
}
