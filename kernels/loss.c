// The language-model head with its loss, in blocks of rows, so that the logits never exist as a whole; and the clipped policy loss.
#include "vmath.h"

// One row of logits z (V): -log p[target] and, if asked for, the entropy. With a coefficient, z becomes its gradient.
static float row(float *z, int64_t V, int64_t target, const float *coefficient, float *entropy) {
  vf top = vset(-__builtin_inff());
  int64_t j = 0;
  for (; j + VW <= V; j += VW) top = vmax(vload(z + j), top);
  float m = vmaximum(top), rest = 0;
  for (; j < V; j++) m = z[j] > m ? z[j] : m;
  vf s = vset(0), weighted = vset(0);
  for (j = 0; j + VW <= V; j += VW) {
    vf d = vload(z + j) - m, e = vexp(d);
    s += e;
    if (entropy) weighted = FMA(e, d, weighted);
  }
  float rest_weighted = 0;
  for (; j < V; j++) {
    float d = z[j] - m, e = exp1(d);
    rest += e;
    rest_weighted += e * d;
  }
  float total = vsum(s) + rest, log_total = log1(total), nll = log_total - (z[target] - m);
  if (entropy) *entropy = log_total - (vsum(weighted) + rest_weighted) / total;
  if (!coefficient) return nll;
  float lse = m + log_total, k = *coefficient;
  for (j = 0; j + VW <= V; j += VW) vstore(z + j, k * vexp(vload(z + j) - lse));
  for (; j < V; j++) z[j] = k * exp1(z[j] - lse);
  z[target] -= k;
  return nll;
}

void k_cross_entropy(const Command *c, int id, int threads) {
  int64_t n = c->dim[0], C = c->dim[1], V = c->dim[2], block = c->dim[3];
  int add_x = c->dim[4], add_w = c->dim[5], half = c->dim[6];
  const float *x = F32(c, 0), *w = F32(c, 1), *coefficients = F32(c, 3);
  const int32_t *targets = I32(c, 2);
  float *nll = F32(c, 4), *dx = F32(c, 5), *dw = F32(c, 6), *entropy = F32(c, 7);
  float *z = shared_scratch(block * V * sizeof(float));
  for (int64_t first = 0; first < n; first += block) {
    int64_t rows = n - first < block ? n - first : block, from, to;
    gemm(half, 0, 1, rows, V, C, 1, x + first * C, C, w, C, 0, 0, z, V, id, threads);
    share(rows, 1, id, threads, &from, &to);
    for (int64_t i = from; i < to; i++) {
      int64_t token = first + i, target = targets[token];
      float *zi = z + i * V, loss = 0;
      if (target >= 0 && target < V)
        loss = row(zi, V, target, coefficients ? coefficients + token : 0, entropy ? entropy + token : 0);
      else {
        if (entropy) entropy[token] = 0;
        if (coefficients) __builtin_memset(zi, 0, V * sizeof(float));
      }
      if (nll) nll[token] = loss;
    }
    barrier();
    if (!coefficients) continue;
    if (dx)
      gemm(half, 0, 0, rows, C, V, 1, z, V, w, C, add_x ? 1 : 0, add_x ? dx + first * C : 0, dx + first * C, C, id, threads);
    if (dw) {
      int add = add_w || first > 0;
      gemm(half, 1, 0, V, C, rows, 1, z, V, x + first * C, C, add ? 1 : 0, add ? dw : 0, dw, C, id, threads);
    }
  }
}

// Few tokens: one thread. See src/tensor/ops/policy_loss.ts for the formulas.
void k_policy_loss(const Command *c, int id, int threads) {
  (void)threads;
  if (id != 0) return;
  const float *nll = F32(c, 0), *old = F32(c, 1), *reference = F32(c, 2), *advantages = F32(c, 3), *weights = F32(c, 4);
  float *coefficients = F32(c, 5), *statistics = F32(c, 6), *loss = F32(c, 7);
  float low = 1 - c->scalar[0], high = 1 + c->scalar[1], beta = c->scalar[2];
  double totals[8] = {0};
  for (int64_t i = 0; i < c->dim[0]; i++) {
    coefficients[i] = 0;
    float weight = weights[i];
    if (weight == 0) continue;
    float logp = -nll[i], ratio = exp1(logp - old[i]), a = advantages[i];
    float clipped = ratio < low ? low : ratio > high ? high : ratio;
    int active = ratio * a <= clipped * a;
    float difference = reference ? reference[i] - logp : 0, e = exp1(difference), kl = e - difference - 1;
    totals[0] += weight * (-(active ? ratio * a : clipped * a) + beta * kl);
    totals[1] += weight * kl;
    totals[2] += active ? 0 : weight;
    totals[3] += weight * (old[i] - logp);
    totals[4] += weight * ratio;
    coefficients[i] = weight * ((active ? ratio * a : 0) - beta * (1 - e));
  }
  for (int i = 0; i < 8; i++) statistics[i] = (float)totals[i];
  loss[0] = (float)totals[0];
}
