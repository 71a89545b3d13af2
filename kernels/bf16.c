// Matrix products of bfloat16: operands are rounded while they are packed, products are summed in f32, C is f32.
//   AMX where the system grants it (a tile of 16x16 sums, 32 k deep, in one instruction), AVX512_BF16 otherwise. A machine with
//   neither gets 0 back, and gemm.c rounds its packed f32 panels instead: the same arithmetic, without the speed.
// Operands are packed into tiles of 16 lines and 32 k, 1 KB each: of A a line after another, of B pair of k's after pair, which is
// what AMX reads; both orders are the other's transpose in units of two bf16. Edges are filled with zeros.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tile.h"

#ifdef __AVX512BF16__
#include <immintrin.h>
#ifdef __AMX_BF16__
#include <sys/syscall.h>
#include <unistd.h>
#endif

#define LINES 16
#define DEEP 32               // k's of a tile
#define TILE (LINES * DEEP)   // bf16 of a tile
#define SIDE (2 * LINES)      // rows and columns of a block of C: two tiles by two
#define KB 1024               // k's packed at once, at most
#define B_BYTES (1 << 20)     // of packed B at once: half of a second-level cache

typedef uint16_t bf16;

static int has_amx;

// Whether this process may use AMX: Linux wants to be asked (arch_prctl ARCH_REQ_XCOMP_PERM for the tile data, feature 18).
void bf16_start(void) {
#ifdef __AMX_BF16__
  has_amx = syscall(SYS_arch_prctl, 0x1023, 18) == 0;
#endif
}

// 16 pairs of neighbours: 32 floats, of which the first n count.
INLINE __m512i along(const float *x, int64_t n) {
  if (n >= DEEP) return (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + 16), _mm512_loadu_ps(x));
  uint32_t mask = (uint32_t)((1ull << n) - 1);
  return (__m512i)_mm512_cvtne2ps_pbh(_mm512_maskz_loadu_ps(mask >> 16, x + 16), _mm512_maskz_loadu_ps(mask & 0xffff, x));
}

// 16 pairs of one float of x and the one of y at the same place (y absent: 0), of which the first n count.
INLINE __m512i across(const float *x, const float *y, int64_t n) {
  __mmask16 mask = n >= LINES ? 0xffff : (__mmask16)((1u << n) - 1);
  const __m512i zip = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5,
                                       20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  __m512 second = y ? _mm512_maskz_loadu_ps(mask, y) : _mm512_setzero_ps();
  return _mm512_permutexvar_epi16(zip, (__m512i)_mm512_cvtne2ps_pbh(second, _mm512_maskz_loadu_ps(mask, x)));
}

// 16x16 pairs.
INLINE void transpose_pairs(__m512i *v) {
  __m512i t[16];
  UNROLL for (int i = 0; i < 16; i += 4) {
    __m512i a = _mm512_unpacklo_epi32(v[i], v[i + 1]), b = _mm512_unpackhi_epi32(v[i], v[i + 1]);
    __m512i c = _mm512_unpacklo_epi32(v[i + 2], v[i + 3]), d = _mm512_unpackhi_epi32(v[i + 2], v[i + 3]);
    t[i] = _mm512_unpacklo_epi64(a, c), t[i + 1] = _mm512_unpackhi_epi64(a, c);
    t[i + 2] = _mm512_unpacklo_epi64(b, d), t[i + 3] = _mm512_unpackhi_epi64(b, d);
  }
  UNROLL for (int i = 0; i < 4; i++) {
    __m512i a = _mm512_shuffle_i32x4(t[i], t[i + 4], 0x88), b = _mm512_shuffle_i32x4(t[i], t[i + 4], 0xdd);
    __m512i c = _mm512_shuffle_i32x4(t[i + 8], t[i + 12], 0x88), d = _mm512_shuffle_i32x4(t[i + 8], t[i + 12], 0xdd);
    v[i] = _mm512_shuffle_i32x4(a, c, 0x88), v[i + 8] = _mm512_shuffle_i32x4(a, c, 0xdd);
    v[i + 4] = _mm512_shuffle_i32x4(b, d, 0x88), v[i + 12] = _mm512_shuffle_i32x4(b, d, 0xdd);
  }
}

// One tile of X, whose lines are k_inner ? x + i*ld with k contiguous : x + i with k at k*ld; of B if `pairs`.
INLINE void pack_tile(const float *x, int64_t ld, int k_inner, int64_t lines, int64_t ks, int pairs, bf16 *to) {
  __m512i v[LINES];
  for (int i = 0; i < LINES; i++) {
    if (k_inner) v[i] = i < lines ? along(x + i * ld, ks) : _mm512_setzero_si512();
    else if (2 * i < ks) v[i] = across(x + 2 * i * ld, 2 * i + 1 < ks ? x + (2 * i + 1) * ld : 0, lines);
    else v[i] = _mm512_setzero_si512();
  }
  if (k_inner == pairs) transpose_pairs(v);
  for (int i = 0; i < LINES; i++) _mm512_store_si512((__m512i *)(to + i * DEEP), v[i]);
}

// The tiles of `lines` lines of X, kc deep: to[line / 16][k / 32]. Neighbouring lines in turn where they lie side by side.
static void pack(const float *x, int64_t ld, int k_inner, int64_t lines, int64_t kc, int pairs, bf16 *to) {
  int64_t chunks = (kc + DEEP - 1) / DEEP, groups = (lines + LINES - 1) / LINES;
  for (int64_t u = 0; u < groups * chunks; u++) {
    int64_t g = k_inner ? u / chunks : u % groups, c = k_inner ? u % chunks : u / groups;
    const float *p = x + (k_inner ? g * LINES * ld + c * DEEP : c * DEEP * ld + g * LINES);
    pack_tile(p, ld, k_inner, least(lines - g * LINES, LINES), least(kc - c * DEEP, DEEP), pairs, to + (g * chunks + c) * TILE);
  }
}

#ifdef __AMX_BF16__
// Palette 1: eight tiles of 16 rows of 64 bytes.
static const struct { uint8_t palette, start, zero[14]; uint16_t bytes[16]; uint8_t rows[16]; } shapes = {
    1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

// C (32, 32) = A B + C if `add`.
INLINE void block_amx(const bf16 *a, const bf16 *b, int64_t chunks, int add, float *C, int64_t ldc) {
  const bf16 *a2 = a + chunks * TILE, *b2 = b + chunks * TILE;
  float *C2 = C + LINES * ldc;
  int64_t line = ldc * 4;
  if (add) {
    _tile_loadd(0, C, line); _tile_loadd(1, C + LINES, line); _tile_loadd(2, C2, line); _tile_loadd(3, C2 + LINES, line);
  } else {
    _tile_zero(0); _tile_zero(1); _tile_zero(2); _tile_zero(3);
  }
  for (int64_t c = 0; c < chunks; c++, a += TILE, a2 += TILE, b += TILE, b2 += TILE) {
    _tile_loadd(4, a, 64); _tile_loadd(6, b, 64); _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, b2, 64); _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a2, 64); _tile_dpbf16ps(2, 5, 6); _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, C, line); _tile_stored(1, C + LINES, line); _tile_stored(2, C2, line); _tile_stored(3, C2 + LINES, line);
}
#endif

// The same with vectors: eight rows by two vectors at a time.
INLINE void block_vectors(const bf16 *a, const bf16 *b, int64_t chunks, int add, float *C, int64_t ldc) {
  for (int i = 0; i < SIDE; i += 8) {
    const bf16 *x = a + i / LINES * chunks * TILE + i % LINES * DEEP, *y = b;
    float *to = C + i * ldc;
    __m512 s[8][2];
    UNROLL for (int r = 0; r < 8; r++) UNROLL for (int j = 0; j < 2; j++)
        s[r][j] = add ? _mm512_loadu_ps(to + r * ldc + j * LINES) : _mm512_setzero_ps();
    for (int64_t c = 0; c < chunks; c++, x += TILE, y += TILE)
      for (int p = 0; p < LINES; p++) {
        __m512bh y0 = (__m512bh)_mm512_load_si512(y + p * DEEP), y1 = (__m512bh)_mm512_load_si512(y + chunks * TILE + p * DEEP);
        UNROLL for (int r = 0; r < 8; r++) {
          __m512bh pair = (__m512bh)_mm512_set1_epi32(*(const int *)(x + r * DEEP + 2 * p));
          s[r][0] = _mm512_dpbf16_ps(s[r][0], pair, y0), s[r][1] = _mm512_dpbf16_ps(s[r][1], pair, y1);
        }
      }
    UNROLL for (int r = 0; r < 8; r++) UNROLL for (int j = 0; j < 2; j++) _mm512_storeu_ps(to + r * ldc + j * LINES, s[r][j]);
  }
}

static void block(const bf16 *a, const bf16 *b, int64_t chunks, int add, float *C, int64_t ldc) {
#ifdef __AMX_BF16__
  if (has_amx) {
    block_amx(a, b, chunks, add, C, ldc);
    return;
  }
#endif
  block_vectors(a, b, chunks, add, C, ldc);
}

// A block of mr rows and nr columns. What is not plain C = A B or C += A B of a whole block goes through memory of its own.
static void any_block(int64_t mr, int64_t nr, int64_t chunks, const bf16 *a, const bf16 *b, float alpha, float beta,
                      const float *R, float *C, int64_t ldc) {
  if (mr == SIDE && nr == SIDE && alpha == 1 && (!R || (R == C && beta == 1))) {
    block(a, b, chunks, R != 0, C, ldc);
    return;
  }
  float t[SIDE * SIDE] __attribute__((aligned(64)));
  block(a, b, chunks, 0, t, SIDE);
  for (int64_t i = 0; i < mr; i++)
    for (int64_t j = 0; j < nr; j++)
      C[i * ldc + j] = R ? alpha * t[i * SIDE + j] + beta * R[i * ldc + j] : alpha * t[i * SIDE + j];
}

// See gemm.c for the scheme; a block of B is shared by all threads, a row of blocks of A is packed by each thread that needs it.
int bf16_product(int ta, int tb, int64_t M, int64_t N, int64_t K, float alpha, const float *A, int64_t lda, const float *B,
                 int64_t ldb, float beta, const float *R, float *C, int64_t ldc, int id, int threads) {
  int64_t parts = (K + KB - 1) / KB, deep = ((K + parts - 1) / parts + DEEP - 1) / DEEP * DEEP; // K blocks of equal size
  int64_t columns = least((N + SIDE - 1) / SIDE * SIDE, B_BYTES / 2 / deep / SIDE * SIDE), packed = columns * deep;
  bf16 *buffers = shared_panel_scratch(2 * packed * sizeof(bf16)), *a = panel_scratch(id, SIDE * KB * sizeof(bf16));
#ifdef __AMX_BF16__
  if (has_amx) _tile_loadconfig(&shapes);
#endif
  int turn = 0;
  for (int64_t n = 0; n < N; n += columns) {
    int64_t wide = least(N - n, columns), blocks = (wide + SIDE - 1) / SIDE;
    for (int64_t k = 0; k < K; k += deep, turn ^= 1) {
      int64_t kc = least(K - k, deep), chunks = (kc + DEEP - 1) / DEEP, u, to, row = -1;
      bf16 *b = buffers + turn * packed;
      share(blocks, 1, id, threads, &u, &to);
      if (u < to) {
        int64_t j = n + u * SIDE;
        pack(tb ? B + j * ldb + k : B + k * ldb + j, ldb, tb, least(n + wide, n + to * SIDE) - j, kc, 1, b + u * SIDE * chunks * DEEP);
      }
      barrier();
      share((M + SIDE - 1) / SIDE * blocks, 1, id, threads, &u, &to);
      for (; u < to; u++) {
        int64_t i = u / blocks * SIDE, j = u % blocks * SIDE, mr = least(M - i, SIDE);
        if (i != row) pack(ta ? A + k * lda + i : A + i * lda + k, lda, !ta, mr, kc, 0, a), row = i;
        float *c = C + i * ldc + n + j;
        const float *r = k ? c : R ? R + i * ldc + n + j : 0;
        any_block(mr, least(wide - j, SIDE), chunks, a, b + j * chunks * DEEP, alpha, k ? 1 : beta, r, c, ldc);
      }
    }
  }
#ifdef __AMX_BF16__
  if (has_amx) _tile_release();
#endif
  return 1;
}

// Independent multiplications in registers: `iterations` times the operations that are returned.
static volatile float sink;
double bf16_peak(int64_t iterations) {
#ifdef __AMX_BF16__
  if (has_amx) {
    _tile_loadconfig(&shapes);
    _tile_zero(0); _tile_zero(1); _tile_zero(2); _tile_zero(3); _tile_zero(4); _tile_zero(5); _tile_zero(6); _tile_zero(7);
    for (int64_t n = iterations / 32; n > 0; n--) {
      _tile_dpbf16ps(0, 4, 6); _tile_dpbf16ps(1, 4, 7); _tile_dpbf16ps(2, 5, 6); _tile_dpbf16ps(3, 5, 7);
    }
    _tile_release();
    return iterations / 32 * 4.0 * 2 * LINES * TILE;
  }
#endif
  __m512 s[12];
  __m512bh x = (__m512bh)_mm512_set1_epi16(0x3f80), y = x;
  for (int i = 0; i < 12; i++) s[i] = _mm512_setzero_ps();
  for (int64_t n = iterations; n > 0; n--) {
    for (int i = 0; i < 12; i++) s[i] = _mm512_dpbf16_ps(s[i], x, y);
    __asm__ volatile("" : "+v"(x), "+v"(y));
  }
  for (int i = 1; i < 12; i++) s[0] += s[i];
  sink = s[0][0];
  return iterations * 12.0 * 2 * DEEP;
}

// The name of what multiplies.
int bf16_unit(void) { return has_amx ? 2 : 1; }

#else
void bf16_start(void) {}
int bf16_product(int ta, int tb, int64_t M, int64_t N, int64_t K, float alpha, const float *A, int64_t lda, const float *B,
                 int64_t ldb, float beta, const float *R, float *C, int64_t ldc, int id, int threads) {
  (void)ta, (void)tb, (void)M, (void)N, (void)K, (void)alpha, (void)A, (void)lda, (void)B, (void)ldb, (void)beta, (void)R;
  (void)C, (void)ldc, (void)id, (void)threads;
  return 0;
}
double bf16_peak(int64_t iterations) { return (void)iterations, 0.0; }
int bf16_unit(void) { return 0; }
#endif
