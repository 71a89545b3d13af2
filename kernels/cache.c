// Attention over a KV cache (S, Hkv, P, D): each token has a slot and a position; slot -1 is padding, and so is what lies outside.
#include "vmath.h"

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

// One query over `n` keys: scores, softmax, weighted sum of values. s holds n rounded up to VW floats.
static void attend(const float *q, const float *keys, const float *values, float *s, float *y, int64_t n, int64_t D, float scale) {
  float top = -__builtin_inff(), total = 0;
  for (int64_t t = 0; t < n; t++) {
    s[t] = vdot(q, keys + t * D, D) * scale;
    top = s[t] > top ? s[t] : top;
  }
  for (int64_t t = 0; t < n; t += VW) {
    int64_t left = n - t;
    vf e = vexp((left < VW ? vload_n(s + t, left) : vload(s + t)) - top);
    if (left < VW) for (int64_t i = left; i < VW; i++) e[i] = 0;
    vstore(s + t, e);
    total += vsum(e);
  }
  for (int64_t j = 0; j < D; j++) y[j] = 0;
  for (int64_t t = 0; t < n; t++) {
    float p = s[t];
    const float *v = values + t * D;
    for (int64_t j = 0; j < D; j++) y[j] += p * v[j];
  }
  for (int64_t j = 0; j < D; j++) y[j] /= total;
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
