// Attention over a KV cache (S, Hkv, P, D): each token has a slot and a position; slot -1 is padding, and so is what lies outside.
#include "tile.h"

void k_cache_write(const Command *c, int id, int threads) {
  int64_t m = c->dim[0], H = c->dim[1], Hkv = c->dim[2], D = c->dim[3], P = c->dim[4], S = c->dim[5], from, to;
  const float *qk = F32(c, 0), *qkv = F32(c, 1);
  const int32_t *slots = I32(c, 2), *positions = I32(c, 3);
  float *keys = F32(c, 4), *values = F32(c, 5);
  share(m, 1, id, threads, &from, &to);
  for (int64_t i = from; i < to; i++) {
    if (slots[i] < 0 || slots[i] >= S || positions[i] < 0 || positions[i] >= P) continue;
    for (int64_t h = 0; h < Hkv; h++) {
      int64_t at = ((slots[i] * Hkv + h) * P + positions[i]) * D;
      __builtin_memcpy(keys + at, qk + (i * (H + Hkv) + H + h) * D, D * sizeof(float));
      __builtin_memcpy(values + at, qkv + (i * (H + 2 * Hkv) + H + Hkv + h) * D, D * sizeof(float));
    }
  }
}

// Dots of q with four keys, each added up in the order of vdot.
static inline vf4 dot4(const float *q, const float *k, int64_t D) {
  vf a = vset(0), b = a, c = a, d = a;
  int64_t j = 0;
  for (; j + VW <= D; j += VW) {
    vf x = vload(q + j);
    a = FMA(x, vload(k + j), a), b = FMA(x, vload(k + D + j), b);
    c = FMA(x, vload(k + 2 * D + j), c), d = FMA(x, vload(k + 3 * D + j), d);
  }
  vf4 rest = {0};
  for (; j < D; j++) rest += q[j] * (vf4){k[j], k[D + j], k[2 * D + j], k[3 * D + j]};
  return vsum4(a, b, c, d) + rest;
}

// y[0 .. nv VW) = sum over t of s[t] values[t D + ...], in registers: even and odd keys apart, so that one addition need not wait
// for the last.
INLINE void gather(int nv, const float *s, const float *values, int64_t n, int64_t D, float *y) {
  vf even[4], odd[4];
  UNROLL for (int i = 0; i < nv; i++) even[i] = odd[i] = vset(0);
  int64_t t = 0;
  for (; t + 2 <= n; t += 2)
    UNROLL for (int i = 0; i < nv; i++) {
      even[i] = FMA(vset(s[t]), vload(values + t * D + i * VW), even[i]);
      odd[i] = FMA(vset(s[t + 1]), vload(values + (t + 1) * D + i * VW), odd[i]);
    }
  if (t < n) UNROLL for (int i = 0; i < nv; i++) even[i] = FMA(vset(s[t]), vload(values + t * D + i * VW), even[i]);
  UNROLL for (int i = 0; i < nv; i++) vstore(y + i * VW, even[i] + odd[i]);
}

// One query over `n` keys: scores, softmax, weighted sum of values. s holds n rounded up to VW floats.
static void attend(const float *q, const float *keys, const float *values, float *s, float *y, int64_t n, int64_t D, float scale) {
  int64_t t = 0, j = 0;
  for (; t + 4 <= n; t += 4) *(vf4 *)(s + t) = scale * dot4(q, keys + t * D, D);
  for (; t < n; t++) s[t] = scale * vdot(q, keys + t * D, D);
  for (; t % VW; t++) s[t] = -__builtin_inff();
  vf most = vload(s);
  for (t = VW; t < n; t += VW) most = vmax(most, vload(s + t));
  vf top = vset(vmaximum(most)), total = vset(0);
  for (t = 0; t < n; t += VW) {
    vf e = vexp(vload(s + t) - top); // 0 after the last key
    vstore(s + t, e);
    total += e;
  }
  for (; j + 4 * VW <= D; j += 4 * VW) gather(4, s, values + j, n, D, y + j);
  for (; j + VW <= D; j += VW) gather(1, s, values + j, n, D, y + j);
  for (; j < D; j++) {
    y[j] = 0;
    for (t = 0; t < n; t++) y[j] += s[t] * values[t * D + j];
  }
  float share = 1 / vsum(total);
  for (j = 0; j < D; j++) y[j] *= share;
}

void k_attention_cached(const Command *c, int id, int threads) {
  int64_t m = c->dim[0], H = c->dim[1], Hkv = c->dim[2], D = c->dim[3], P = c->dim[4], S = c->dim[5], from, to;
  const float *qk = F32(c, 0), *keys = F32(c, 1), *values = F32(c, 2);
  const int32_t *slots = I32(c, 3), *positions = I32(c, 4);
  float *y = F32(c, 5), *s = scratch(id, (P + VW) * sizeof(float));
  share(m * H, 1, id, threads, &from, &to);
  for (int64_t task = from; task < to; task++) {
    int64_t i = task / H, h = task % H;
    float *out = y + (i * H + h) * D;
    if (slots[i] < 0 || slots[i] >= S || positions[i] < 0 || positions[i] >= P) {
      for (int64_t j = 0; j < D; j++) out[j] = 0;
      continue;
    }
    int64_t first = (slots[i] * Hkv + h / (H / Hkv)) * P * D;
    attend(qk + (i * (H + Hkv) + h) * D, keys + first, values + first, s, out, positions[i] + 1, D, c->scalar[0]);
  }
}
