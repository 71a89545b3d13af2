// Causal grouped-query attention over packed documents, forward and backward, without ever storing T x T scores
// (online softmax and recomputation from the log-sum-exp: Dao et al., FlashAttention, 2022).
// Query t of a row sees the keys starts[t] <= s <= t. Scores are made in blocks of a few queries and BK keys by the register
// tiles of tile.h; blocks that no query of the tile may see are skipped, those it sees in part are masked.
//   qk (N, (H+Hkv) D)   queries, then keys, normalised and rotated     qkv (N, (H+2Hkv) D)   v in the last Hkv D columns
//   out (N, H D)        lse (N, H) natural log-sum-exp of the scaled scores (-infinity for a query that sees no key)
// N = B T, query head h reads key head h / (H/Hkv). dims B T H Hkv D, scalars scale.
// Not here: dropout, and attention to a cache (generation), which reads keys once and needs no tiles.
#include "tile.h"

#define BQ 64              // queries of a block in the backward pass
#define BLOCK (BQ * BK)    // floats of a block of scores
#define MOST_TILES (BQ / MR + 1)

typedef struct {
  int64_t T, H, G, D; // tokens in a row, query heads, query heads to a key head, head size
  int64_t DP, TP;     // D in whole vectors, T in whole panels of NR
  int64_t qk_ld, qkv_ld, out_ld;
  float scale;
} Shape;

static Shape shape_of(const Command *c) {
  int64_t T = c->dim[1], H = c->dim[2], Hkv = c->dim[3], D = c->dim[4];
  return (Shape){T, H, H / Hkv, D, (D + VW - 1) / VW * VW, (T + NR - 1) / NR * NR,
                 (H + Hkv) * D, (H + 2 * Hkv) * D, H * D, c->scalar[0]};
}

// Panels of NR keys, transposed: to[panel][d][key].
static void pack_keys(const float *x, int64_t ld, int64_t T, int64_t D, float *to) {
  for (int64_t j = 0; j < T; j += NR) pack_rows(x + j * ld, ld, least(T - j, NR), D, to + j * D, NR);
}

// Rows of D floats, times `scale`, into rows of DP floats, zeros behind.
static void copy_rows(const float *x, int64_t ld, int64_t T, int64_t D, float scale, float *to, int64_t DP) {
  for (int64_t t = 0; t < T; t++, x += ld, to += DP) {
    for (int64_t d = 0; d < D; d++) to[d] = scale * x[d];
    for (int64_t d = D; d < DP; d++) to[d] = 0;
  }
}

static void write_rows(const float *x, int64_t DP, int64_t T, int64_t D, float scale, float *to, int64_t ld) {
  for (int64_t t = 0; t < T; t++, x += DP, to += ld)
    for (int64_t d = 0; d < D; d++) to[d] = scale * x[d];
}

static void zero(float *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) x[i] = 0;
}

static float dot(const float *a, const float *b, int64_t n) {
  vf sum = {0};
  float rest = 0;
  int64_t i = 0;
  for (; i + VW <= n; i += VW) sum = FMA(vload(a + i), vload(b + i), sum);
  for (; i < n; i++) rest += a[i] * b[i];
  return vsum(sum) + rest;
}

static int64_t first_key(const int32_t *starts, int64_t n) {
  int64_t first = starts[0];
  for (int64_t i = 1; i < n; i++) first = least(first, starts[i]);
  return most(first, 0);
}

static int64_t last_start(const int32_t *starts, int64_t n) {
  int64_t last = starts[0];
  for (int64_t i = 1; i < n; i++) last = most(last, starts[i]);
  return last;
}

// Lanes whose key, j + lane, lies in [from, to].
static vi visible(int64_t j, int32_t from, int64_t to) {
  vi key;
  for (int i = 0; i < VW; i++) key[i] = (int32_t)j + i;
  return (key >= from) & (key <= (int32_t)to);
}

// C (mr, DP) += scores (mr, n) X (n, DP)
static void add_product(int mr, int64_t n, const float *scores, const float *x, int64_t DP, float *C) {
  for (int64_t d = 0, nv; d < DP; d += nv * VW)
    nv = DP - d >= NR ? NV : 1, tile_scores(mr, (int)nv, n, scores, x + d, DP, 1, 1, C + d, C + d, DP);
}

// C (mr, DP) += scores' (mr, n) X (n, DP), where scores (n, mr) are rows BK apart
static void add_transposed_product(int mr, int64_t n, const float *scores, const float *x, int64_t DP, float *C) {
  for (int64_t d = 0, nv; d < DP; d += nv * VW)
    nv = DP - d >= NR ? NV : 1, tile_packed(mr, (int)nv, n, scores, BK, x + d, DP, 1, 1, C + d, C + d, DP);
}

// Rows of D floats that are needed after the next thousands of cycles: into L2, which can wait for more lines at a time than L1.
static void ask_for(const float *x, int64_t ld, int64_t rows, int64_t D) {
  for (int64_t r = 0; r < rows; r++, x += ld)
    for (int64_t d = 0; d < D; d += 16) __builtin_prefetch(x + d, 0, 2);
}

// The softmax so far of a tile's rows.
typedef struct {
  float max[MP], sum[MP]; // of what has been seen; sum is of exp(score - max)
} Running;

// Scores (mr, n) into exp(score - max); the running maxima and sums go on, the outputs so far (mr, DP) are rescaled.
static void softmax_rows(int mr, float *s, int64_t n, Running *run, float *o, int64_t DP) {
  float now[MP], shrink[MP];
  for (int r = 0; r < mr; r++) {
    vf top = vload(s + r * BK);
    for (int64_t j = VW; j < n; j += VW) top = vmax(vload(s + r * BK + j), top);
    now[r] = vmaximum(top);
  }
  for (int r = mr; r < MP; r++) now[r] = 0, run->max[r] = 0;
  for (int r = 0; r < MP; r += VW) {
    vf was = vload(run->max + r), top = vmax(vload(now + r), was);
    vi none = top == vset(-__builtin_inff());
    vf factor = vexp(was - vselect(none, vset(0), top));
    vstore(now + r, vselect(none, vset(0), top));
    vstore(shrink + r, factor);
    vstore(run->max + r, top);
    vstore(run->sum + r, vload(run->sum + r) * factor);
  }
  for (int r = 0; r < mr; r++) {
    if (shrink[r] != 1)
      for (int64_t d = 0; d < DP; d += VW) vstore(o + r * DP + d, vload(o + r * DP + d) * shrink[r]);
    vf shift = vset(now[r]), total = {0};
    for (int64_t j = r * BK; j < r * BK + n; j += VW) {
      vf p = vexp(vload(s + j) - shift);
      vstore(s + j, p);
      total += p;
    }
    run->sum[r] += vsum(total);
  }
}

// addresses qk qkv starts out lse. Threads share the B H query heads.
void k_attention_forward(const Command *c, int id, int threads) {
  Shape x = shape_of(c);
  int64_t T = x.T, D = x.D, DP = x.DP, tiles = tiles_of(T), head, to, packed = -1;
  float *keys = scratch(id, (x.TP * (D + DP) + D * MP + MR * (BK + DP)) * sizeof(float));
  float *values = keys + x.TP * D, *q = values + x.TP * DP, *s = q + D * MP, *o = s + MR * BK;
  share(c->dim[0] * x.H, 1, id, threads, &head, &to);
  for (; head < to; head++) {
    int64_t b = head / x.H, h = head % x.H;
    const float *qk = F32(c, 0) + b * T * x.qk_ld;
    const int32_t *starts = I32(c, 2) + b * T;
    if (packed != head / x.G) {
      packed = head / x.G;
      pack_keys(qk + (x.H + h / x.G) * D, x.qk_ld, T, D, keys);
      copy_rows(F32(c, 1) + b * T * x.qkv_ld + (x.qk_ld + h / x.G * D), x.qkv_ld, T, D, 1, values, DP);
    }
    for (int64_t i = 0; i < tiles; i++) {
      int64_t t = tile_row(T, tiles, i);
      int mr = (int)(tile_row(T, tiles, i + 1) - t);
      if (head + 1 < to) { // what the next head begins with
        int64_t next = head + 1, row = next / x.H * T + t, h = next % x.H;
        ask_for(F32(c, 0) + row * x.qk_ld + h * D, x.qk_ld, mr, D);
        if (next / x.G != packed) {
          ask_for(F32(c, 0) + row * x.qk_ld + (x.H + h / x.G) * D, x.qk_ld, mr, D);
          ask_for(F32(c, 1) + row * x.qkv_ld + x.qk_ld + h / x.G * D, x.qkv_ld, mr, D);
        }
      }
      Running run;
      for (int r = 0; r < MP; r++) run.max[r] = -__builtin_inff(), run.sum[r] = 0;
      zero(o, mr * DP);
      pack_rows(qk + t * x.qk_ld + h * D, x.qk_ld, mr, D, q, MP);
      for (int64_t d = 0; d < D * MP; d += VW) vstore(q + d, vload(q + d) * x.scale);
      int64_t end = t + mr, common = last_start(starts + t, mr); // keys from `common` to t are seen by every row
      for (int64_t j = first_key(starts + t, mr) / NR * NR, next; j < end; j = next) {
        next = (j / BK + 1) * BK; // blocks begin at the same keys, whatever is skipped
        int64_t n = least(end, next) - j, whole = (n + VW - 1) / VW * VW;
        for (int64_t p = 0; p < n; p += NR)
          tile_packed(mr, n - p > VW ? NV : 1, D, q, MP, keys + (j + p) * D, NR, 1, 0, 0, s + p, BK);
        if (j < common || j + whole > t + 1)
          for (int r = 0; r < mr; r++)
            for (int64_t k = 0; k < n; k += VW) {
              vf *score = (vf *)(s + r * BK + k);
              *score = vselect(visible(j + k, starts[t + r], t + r), *score, vset(-__builtin_inff()));
            }
        softmax_rows(mr, s, n, &run, o, DP);
        add_product(mr, n, s, values + j * DP, DP, o);
      }
      for (int r = 0; r < mr; r++) {
        float *out = F32(c, 3) + (b * T + t + r) * x.out_ld + h * D, sum = run.sum[r];
        write_rows(o + r * DP, DP, 1, D, sum > 0 ? 1 / sum : 0, out, 0);
        F32(c, 4)[(b * T + t + r) * x.H + h] = sum > 0 ? run.max[r] + log1(sum) : -__builtin_inff();
      }
    }
  }
}

// Scores of one row back into probabilities p, and dp into the gradient p (dp - delta) of the scaled scores; both 0 where the
// key is not visible.
static void softmax_row_backward(float *s, float *dp, int64_t n, float lse, float delta, int partly, int64_t j,
                                 int32_t from, int64_t to) {
  for (int64_t k = 0; k < n; k += VW) {
    vf p = vexp(vload(s + k) - lse), ds = p * (vload(dp + k) - delta);
    if (partly) {
      vi mask = visible(j + k, from, to);
      p = (vf)((vi)p & mask), ds = (vf)((vi)ds & mask);
    }
    vstore(s + k, p);
    vstore(dp + k, ds);
  }
}

// Everything the backward pass of one key head works on, in one thread's scratch. Rows are DP floats, T of them (BQ in dq).
typedef struct {
  float *keys, *values;                      // packed panels
  float *k, *q, *dout, *dk, *dv, *dq;        // rows; q carries the scale
  float *q_packed, *dout_packed, *delta;     // of a block's queries, tile by tile; (dout . out) of each
  float *p, *ds;                             // (BQ, BK)
} Work;

// Probabilities and score gradients of queries t ... t+n-1 with keys j ... j+m-1, and what they add to dq.
static void score_block(const Shape *x, const Work *w, const int32_t *starts, const float *lse, int64_t t, int64_t n,
                        int64_t j, int64_t m) {
  int64_t D = x->D, DP = x->DP, tiles = tiles_of(n);
  for (int64_t i = 0; i < tiles; i++) {
    int64_t r = tile_row(n, tiles, i), end = tile_row(n, tiles, i + 1);
    int mr = (int)(end - r);
    int64_t first = first_key(starts + t + r, mr), last = t + end - 1, common = last_start(starts + t + r, mr);
    for (int64_t p = 0; p < m; p += NR) {
      float *s = w->p + r * BK + p, *ds = w->ds + r * BK + p;
      if (j + p > last || j + p + NR <= first) {
        for (int k = 0; k < mr; k++) zero(s + k * BK, NR), zero(ds + k * BK, NR);
        continue;
      }
      tile_packed(mr, NV, D, w->q_packed + i * D * MP, MP, w->keys + (j + p) * D, NR, 1, 0, 0, s, BK);
      tile_packed(mr, NV, D, w->dout_packed + i * D * MP, MP, w->values + (j + p) * D, NR, 1, 0, 0, ds, BK);
      int partly = j + p < common || j + p + NR > t + r + 1;
      for (int k = 0; k < mr; k++)
        softmax_row_backward(s + k * BK, ds + k * BK, NR, lse[(t + r + k) * x->H], w->delta[r + k], partly, j + p,
                             starts[t + r + k], t + r + k);
    }
    int64_t from = most(first - j, 0), to = least(m, last + 1 - j);
    if (from < to) add_product(mr, to - from, w->ds + r * BK + from, w->k + (j + from) * DP, DP, w->dq + r * DP);
  }
}

// What that block adds to dk and dv: rows of its transpose, of which query i reaches no key after itself.
static void add_to_keys(const Shape *x, const Work *w, int64_t t, int64_t n, int64_t j, int64_t m) {
  int64_t DP = x->DP, tiles = tiles_of(m);
  for (int64_t i = 0; i < tiles; i++) {
    int64_t r = tile_row(m, tiles, i), from = most(j + r - t, 0);
    int mr = (int)(tile_row(m, tiles, i + 1) - r);
    if (from >= n) continue;
    add_transposed_product(mr, n - from, w->p + from * BK + r, w->dout + (t + from) * DP, DP, w->dv + (j + r) * DP);
    add_transposed_product(mr, n - from, w->ds + from * BK + r, w->q + (t + from) * DP, DP, w->dk + (j + r) * DP);
  }
}

// addresses qk qkv starts out lse dout dqk dqkv: overwrites dqk and the v columns of dqkv. Threads share the B Hkv key heads.
void k_attention_backward(const Command *c, int id, int threads) {
  Shape x = shape_of(c);
  int64_t T = x.T, D = x.D, DP = x.DP, TP = x.TP, Hkv = c->dim[3], pair, to;
  float *at = scratch(id, (2 * TP * D + (5 * TP + BQ) * DP + 2 * MOST_TILES * D * MP + BQ + 2 * BLOCK) * sizeof(float));
#define TAKE(n) (at += (n)) - (n)
  Work w = {.keys = TAKE(TP * D), .values = TAKE(TP * D), .k = TAKE(TP * DP), .q = TAKE(TP * DP), .dout = TAKE(TP * DP),
            .dk = TAKE(TP * DP), .dv = TAKE(TP * DP), .dq = TAKE(BQ * DP), .q_packed = TAKE(MOST_TILES * D * MP),
            .dout_packed = TAKE(MOST_TILES * D * MP), .delta = TAKE(BQ), .p = TAKE(BLOCK), .ds = TAKE(BLOCK)};
  share(c->dim[0] * Hkv, 1, id, threads, &pair, &to);
  for (; pair < to; pair++) {
    int64_t b = pair / Hkv, kv = pair % Hkv;
    const float *qk = F32(c, 0) + b * T * x.qk_ld, *key = qk + (x.H + kv) * D;
    const int32_t *starts = I32(c, 2) + b * T;
    pack_keys(key, x.qk_ld, T, D, w.keys);
    pack_keys(F32(c, 1) + b * T * x.qkv_ld + x.qk_ld + kv * D, x.qkv_ld, T, D, w.values);
    copy_rows(key, x.qk_ld, T, D, 1, w.k, DP);
    zero(w.dk, T * DP);
    zero(w.dv, T * DP);
    for (int64_t h = kv * x.G; h < (kv + 1) * x.G; h++) {
      const float *out = F32(c, 3) + b * T * x.out_ld + h * D, *dout = F32(c, 5) + b * T * x.out_ld + h * D;
      const float *lse = F32(c, 4) + b * T * x.H + h;
      copy_rows(qk + h * D, x.qk_ld, T, D, x.scale, w.q, DP);
      copy_rows(dout, x.out_ld, T, D, 1, w.dout, DP);
      for (int64_t t = 0; t < T; t += BQ) {
        int64_t n = least(T - t, BQ), tiles = tiles_of(n);
        for (int64_t i = 0; i < tiles; i++) {
          int64_t r = tile_row(n, tiles, i), mr = tile_row(n, tiles, i + 1) - r;
          pack_rows(w.q + (t + r) * DP, DP, mr, D, w.q_packed + i * D * MP, MP);
          pack_rows(w.dout + (t + r) * DP, DP, mr, D, w.dout_packed + i * D * MP, MP);
        }
        for (int64_t r = 0; r < n; r++) w.delta[r] = dot(out + (t + r) * x.out_ld, dout + (t + r) * x.out_ld, D);
        zero(w.dq, n * DP);
        for (int64_t j = first_key(starts + t, n) / NR * NR, next; j < t + n; j = next) {
          next = (j / BK + 1) * BK;
          int64_t m = least(t + n, next) - j;
          score_block(&x, &w, starts, lse, t, n, j, m);
          add_to_keys(&x, &w, t, n, j, m);
        }
        write_rows(w.dq, DP, n, D, x.scale, F32(c, 6) + (b * T + t) * x.qk_ld + h * D, x.qk_ld);
      }
    }
    write_rows(w.dk, DP, T, D, 1, F32(c, 6) + b * T * x.qk_ld + (x.H + kv) * D, x.qk_ld);
    write_rows(w.dv, DP, T, D, 1, F32(c, 7) + b * T * x.qkv_ld + x.qk_ld + kv * D, x.qkv_ld);
  }
}
