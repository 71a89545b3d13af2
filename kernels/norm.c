// RMSNorm over rows, and the normalised, rotated queries and keys of attention. The gradient of a weight is a sum over rows:
// each thread sums its own rows, then the threads' sums are added in order.
#include "vmath.h"

static float dot3(const float *a, const float *b, const float *d, int64_t n) {
  vf s = vset(0);
  int64_t i = 0;
  for (; i + VW <= n; i += VW) s = FMA(vload(a + i) * vload(b + i), vload(d + i), s);
  float rest = 0;
  for (; i < n; i++) rest += a[i] * b[i] * d[i];
  return vsum(s) + rest;
}

// target (n) (+)= the sum of `threads` rows of partial sums
static void add_partials(float *target, const float *partial, int64_t n, int accumulate, int id, int threads) {
  int64_t from, to;
  share(n, 16, id, threads, &from, &to);
  for (int64_t j = from; j < to; j++) {
    float total = accumulate ? target[j] : 0;
    for (int t = 0; t < threads; t++) total += partial[t * n + j];
    target[j] = total;
  }
}

void k_rmsnorm_forward(const Command *c, int id, int threads) {
  int64_t n = c->dim[0], C = c->dim[1], from, to;
  const float *x = F32(c, 0), *w = F32(c, 1);
  float *y = F32(c, 2), *rstd = F32(c, 3);
  share(n, 1, id, threads, &from, &to);
  for (int64_t i = from; i < to; i++) {
    const float *xi = x + i * C;
    float *yi = y + i * C, r = 1 / __builtin_sqrtf(vdot(xi, xi, C) / C + c->scalar[0]);
    rstd[i] = r;
    for (int64_t j = 0; j < C; j++) yi[j] = w[j] * (xi[j] * r);
  }
}

void k_rmsnorm_backward(const Command *c, int id, int threads) {
  int64_t n = c->dim[0], C = c->dim[1], from, to;
  const float *x = F32(c, 0), *w = F32(c, 1), *rstd = F32(c, 2), *dy = F32(c, 3);
  float *dx = F32(c, 4), *dw = F32(c, 5), *partial = 0;
  if (dw) {
    partial = (float *)shared_scratch(threads * C * sizeof(float)) + id * C;
    for (int64_t j = 0; j < C; j++) partial[j] = 0;
  }
  share(n, 1, id, threads, &from, &to);
  for (int64_t i = from; i < to; i++) {
    const float *xi = x + i * C, *dyi = dy + i * C;
    float r = rstd[i];
    if (dx) {
      float *dxi = dx + i * C, mean = dot3(dyi, w, xi, C) * r * r / C;
      if (c->dim[2]) for (int64_t j = 0; j < C; j++) dxi[j] += r * (dyi[j] * w[j] - xi[j] * mean);
      else for (int64_t j = 0; j < C; j++) dxi[j] = r * (dyi[j] * w[j] - xi[j] * mean);
    }
    if (dw) for (int64_t j = 0; j < C; j++) partial[j] += dyi[j] * (xi[j] * r);
  }
  if (!dw) return;
  barrier();
  add_partials(dw, partial - id * C, C, c->dim[3], id, threads);
}

// The position of token i; of one that lies outside (padding), the first.
static int64_t place(const int32_t *positions, int64_t i, int64_t time) {
  if (!positions) return i % time;
  return positions[i] < 0 || positions[i] >= time ? 0 : positions[i];
}

// Up to VW floats; lanes behind them are 0 and not stored.
static inline vf some(const float *p, int64_t n) { return n >= VW ? vload(p) : vload_n(p, n); }
static inline void store_some(float *p, vf v, int64_t n) {
  if (n >= VW) vstore(p, v);
  else vstore_n(p, v, n);
}

// y (2 half) = x scaled by `r` and the weights w (absent: 1), then each pair (x[j], x[j + half]) rotated by its angle
static inline void rotate(const float *x, const float *w, float r, const float *cos, float *y, int64_t half) {
  const float *sin = cos + half;
  for (int64_t j = 0; j < half; j += VW) {
    int64_t n = half - j;
    vf a = some(x + j, n) * r, b = some(x + j + half, n) * r, c = some(cos + j, n), s = some(sin + j, n);
    if (w) a = some(w + j, n) * a, b = some(w + j + half, n) * b;
    store_some(y + j, a * c - b * s, n);
    store_some(y + j + half, b * c + a * s, n);
  }
}

// qkv (n, (H + 2 Hkv) D) -> qk (n, (H + Hkv) D): RMSNorm over each head where there are norms, then rotation by the position's angles
void k_qk_forward(const Command *c, int id, int threads) {
  int64_t n = c->dim[0], H = c->dim[1], Hkv = c->dim[2], D = c->dim[3], time = c->dim[4], from, to;
  const float *qkv = F32(c, 0), *rope = F32(c, 3);
  const int32_t *positions = I32(c, 4);
  float *qk = F32(c, 5), *rstd = F32(c, 6);
  share(n, 1, id, threads, &from, &to);
  for (int64_t i = from; i < to; i++) {
    const float *cos = rope + place(positions, i, time) * D;
    for (int64_t h = 0; h < H + Hkv; h++) {
      const float *x = qkv + (i * (H + 2 * Hkv) + h) * D, *w = F32(c, h < H ? 1 : 2);
      float r = 1;
      if (w) r = rstd[i * (H + Hkv) + h] = 1 / __builtin_sqrtf(vdot(x, x, D) / D + c->scalar[0]);
      rotate(x, w, r, cos, qk + (i * (H + Hkv) + h) * D, D / 2);
    }
  }
}

// g (2 half) = dy rotated back; returns sum g w x (0 without w)
static inline float rotate_back(const float *dy, const float *w, const float *x, const float *cos, float *g, int64_t half) {
  const float *sin = cos + half;
  vf sum = vset(0);
  for (int64_t j = 0; j < half; j += VW) {
    int64_t n = half - j;
    vf a = some(dy + j, n), b = some(dy + j + half, n), c = some(cos + j, n), s = some(sin + j, n);
    vf da = a * c + b * s, db = b * c - a * s;
    store_some(g + j, da, n);
    store_some(g + j + half, db, n);
    if (w) {
      sum = FMA(da * some(w + j, n), some(x + j, n), sum);
      sum = FMA(db * some(w + j + half, n), some(x + j + half, n), sum);
    }
  }
  return vsum(sum);
}

void k_qk_backward(const Command *c, int id, int threads) {
  int64_t n = c->dim[0], H = c->dim[1], Hkv = c->dim[2], D = c->dim[3], time = c->dim[4], from, to;
  const float *qkv = F32(c, 0), *rope = F32(c, 3), *rstd = F32(c, 5), *dqk = F32(c, 6);
  const int32_t *positions = I32(c, 4);
  float *dqkv = F32(c, 7), *dq_norm = F32(c, 8), *dk_norm = F32(c, 9);
  float *partial = shared_scratch(threads * 2 * D * sizeof(float)), *mine = partial + id * 2 * D;
  for (int64_t j = 0; j < 2 * D; j++) mine[j] = 0;
  share(n, 1, id, threads, &from, &to);
  for (int64_t i = from; i < to; i++) {
    const float *cos = rope + place(positions, i, time) * D;
    for (int64_t h = 0; h < H + Hkv; h++) {
      const float *x = qkv + (i * (H + 2 * Hkv) + h) * D, *w = F32(c, h < H ? 1 : 2);
      float *dx = dqkv + (i * (H + 2 * Hkv) + h) * D, *dw = mine + (h < H ? 0 : D);
      float sum = rotate_back(dqk + (i * (H + Hkv) + h) * D, w, x, cos, dx, D / 2);
      if (!w) continue;
      float r = rstd[i * (H + Hkv) + h], mean = sum * r * r / D;
      for (int64_t j = 0; j < D; j += VW) {
        int64_t rest = D - j;
        vf g = some(dx + j, rest), xj = some(x + j, rest);
        store_some(dw + j, some(dw + j, rest) + g * (xj * r), rest);
        store_some(dx + j, r * (g * some(w + j, rest) - xj * mean), rest);
      }
    }
  }
  barrier();
  if (id != 0) return; // 2 D floats
  for (int t = 0; t < threads; t++)
    for (int64_t j = 0; j < D; j++) {
      if (dq_norm) dq_norm[j] += partial[t * 2 * D + j];
      if (dk_norm) dk_norm[j] += partial[t * 2 * D + D + j];
    }
}
