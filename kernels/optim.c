// Updates of the optimizers. What changes from step to step lies in small buffers: hyper (rates), clip (factor of gradients).
// Gradients are 0 afterwards, for the next step to add to: here they are in the cache, a pass of its own would fetch them again.
#include "xueba.h"

#define GRAIN 1024

void k_clip_scale(const Command *c, int id, int threads) {
  (void)threads;
  if (id != 0) return;
  float norm = __builtin_sqrtf(F32(c, 0)[0]), max = c->scalar[0], *clip = F32(c, 1);
  clip[0] = max > 0 && norm > max ? max / norm : 1;
  clip[1] = norm;
}

void k_adamw(const Command *c, int id, int threads) {
  int64_t from, to;
  share(c->dim[0], GRAIN, id, threads, &from, &to);
  float *restrict p = F32(c, 0), *restrict g = F32(c, 1), *restrict m = F32(c, 2), *restrict v = F32(c, 3);
  const float *hyper = F32(c, 4), *clip = F32(c, 5);
  float b1 = c->scalar[0], b2 = c->scalar[1], eps = c->scalar[2], decay = c->scalar[3];
  float rate = hyper[0], s1 = 1 / hyper[1], s2 = 1 / hyper[2], factor = clip[0];
  for (int64_t i = from; i < to; i++) {
    float gradient = g[i] * factor;
    float mi = b1 * m[i] + (1 - b1) * gradient, vi = b2 * v[i] + (1 - b2) * (gradient * gradient);
    g[i] = 0;
    m[i] = mi;
    v[i] = vi;
    p[i] -= rate * (mi * s1 / (__builtin_sqrtf(vi * s2) + eps) + decay * p[i]);
  }
}

void k_muon_momentum(const Command *c, int id, int threads) {
  int64_t from, to;
  share(c->dim[0], GRAIN, id, threads, &from, &to);
  float *restrict g = F32(c, 0), *restrict momentum = F32(c, 1), *restrict x = F32(c, 2), mu = F32(c, 3)[1], factor = F32(c, 4)[0];
  for (int64_t i = from; i < to; i++) {
    float gradient = g[i] * factor, mi = mu * momentum[i] + (1 - mu) * gradient;
    g[i] = 0;
    momentum[i] = mi;
    x[i] = mu * mi + (1 - mu) * gradient;
  }
}

void k_muon_apply(const Command *c, int id, int threads) {
  int64_t from, to;
  share(c->dim[0], GRAIN, id, threads, &from, &to);
  float *restrict p = F32(c, 0), rate = F32(c, 2)[0], scale = c->scalar[0], decay = c->scalar[1];
  const float *restrict x = F32(c, 1);
  for (int64_t i = from; i < to; i++) p[i] -= rate * (scale * x[i] + decay * p[i]);
}
