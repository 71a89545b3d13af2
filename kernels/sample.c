// Drawing the next token of each row: see src/tensor/ops/sample.ts for the operands and the order of the filters.
// A row becomes distances d >= 0 below its best logit and weights e = exp(-d); every filter is a greatest distance to keep,
// found by halving (31 passes over the row in vectors), so that nothing is sorted whatever the vocabulary.
#include "vmath.h"

#define BLOCK (8 * VW) // d and e are padded to whole blocks with d infinite and e 0

enum { TEMPERATURE, TOP_K, TOP_P, MIN_P, PENALTY, STOP3, STOP4, STOP5 }; // the last three: id + 1, 0 for none
enum { SEED, STREAM, GENERATED, ACTIVE, LIMIT, STOP1, STOP2, FINISH };
enum { RUNNING, STOP, LENGTH, NOT_FINITE };

// The first of the four words of Philox 4x32-10, as in src/tensor/random.ts.
static uint32_t philox(uint32_t c0, uint32_t k0, uint32_t k1) {
  uint32_t c1 = 0, c2 = 0, c3 = 0;
  for (int round = 0; round < 10; round++, k0 += 0x9e3779b9u, k1 += 0xbb67ae85u) {
    uint64_t a = (uint64_t)0xd2511f53u * c0, b = (uint64_t)0xcd9e8d57u * c2;
    c0 = (uint32_t)(b >> 32) ^ c1 ^ k0, c1 = (uint32_t)b;
    c2 = (uint32_t)(a >> 32) ^ c3 ^ k1, c3 = (uint32_t)a;
  }
  return c0;
}

static float maximum(const float *z, int64_t n) {
  vf top = vset(-__builtin_inff());
  int64_t i = 0;
  for (; i + VW <= n; i += VW) top = vmax(vload(z + i), top);
  float m = vmaximum(top);
  for (; i < n; i++) m = z[i] > m ? z[i] : m;
  return m;
}

// Sum of exp(z - top): neither positive nor finite when a logit is NaN or infinite, or all are -infinity.
static float sum_exp(const float *z, int64_t n, float top) {
  vf s = vset(0);
  float rest = 0;
  int64_t i = 0;
  for (; i + VW <= n; i += VW) s += vexp(vload(z + i) - top);
  for (; i < n; i++) rest += exp1(z[i] - top);
  return vsum(s) + rest;
}

// Weight (without e: number) of the candidates no further than `limit`. Never decreases as the limit grows.
static float weight(const float *d, const float *e, int64_t n, float limit) {
  vf s[8], one = vset(1), none = vset(0);
  for (int k = 0; k < 8; k++) s[k] = none;
  for (int64_t i = 0; i < n; i += BLOCK)
    for (int k = 0; k < 8; k++) {
      const float *dk = d + i + k * VW;
      s[k] += vselect(vload(dk) <= limit, e ? vload(e + i + k * VW) : one, none);
    }
  return vsum(((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7])));
}

// The smallest limit <= high whose weight is at least `target` (high when there is none). The bits of floats >= 0 are in
// the order of their values.
static float reach(const float *d, const float *e, int64_t n, float target, float high) {
  union { float f; uint32_t bits; } low = {.f = 0}, top = {.f = high}, middle;
  while (low.bits < top.bits) {
    middle.bits = low.bits + (top.bits - low.bits) / 2;
    if (weight(d, e, n, middle.f) >= target) top = middle;
    else low.bits = middle.bits + 1;
  }
  return low.f;
}

// Inverse transform in the order of ids; u in [0, 1).
static int64_t draw(const float *d, const float *e, int64_t n, float limit, double u) {
  double total = 0, before = 0;
  for (int64_t i = 0; i < n; i += BLOCK) total += weight(d + i, e + i, BLOCK, limit);
  double target = u * total;
  int64_t i = 0, last = 0;
  for (; i + BLOCK < n; i += BLOCK) {
    double s = weight(d + i, e + i, BLOCK, limit);
    if (before + s > target) break;
    before += s;
  }
  for (int64_t j = i; j < i + BLOCK; j++) {
    if (!(d[j] <= limit && e[j] > 0)) continue;
    last = j;
    before += e[j];
    if (before > target) break;
  }
  return last; // without a break: rounding put the target at the block's very end
}

// logits -> token. d and e hold V rounded up to BLOCK.
static int64_t choose(const float *z, int64_t V, const float *settings, const int32_t *past, int64_t length, float *d,
                      float *e, double u) {
  float temperature = settings[TEMPERATURE], penalty = settings[PENALTY];
  __builtin_memcpy(d, z, V * sizeof(float));
  if (penalty != 1)
    for (int64_t i = 0; i < length; i++) {
      int32_t id = past[i];
      if (id >= 0 && id < V) d[id] = z[id] > 0 ? z[id] / penalty : z[id] * penalty;
    }
  float top = maximum(d, V);
  if (temperature == 0) {
    int64_t best = 0;
    while (best < V - 1 && d[best] != top) best++;
    return best;
  }
  int64_t n = (V + BLOCK - 1) / BLOCK * BLOCK;
  for (int64_t i = V; i < n; i++) d[i] = -__builtin_inff();
  for (int64_t i = 0; i < n; i += VW) {
    vf distance = (top - vload(d + i)) / temperature;
    vstore(d + i, distance);
    vstore(e + i, vexp(-distance));
  }
  float limit = __FLT_MAX__;
  if (settings[TOP_K] > 0) limit = reach(d, 0, n, settings[TOP_K], limit);
  if (settings[TOP_P] < 1) limit = reach(d, e, n, settings[TOP_P] * weight(d, e, n, limit), limit);
  if (settings[MIN_P] > 0) {
    float least = -log1(settings[MIN_P]);
    limit = least < limit ? least : limit;
  }
  return draw(d, e, n, limit, u);
}

void k_sample(const Command *c, int id, int threads) {
  int64_t B = c->dim[0], V = c->dim[1], P = c->dim[2], S = c->dim[3], from, to;
  const float *logits = F32(c, 0), *settings = F32(c, 1);
  int32_t *states = I32(c, 2), *ids = I32(c, 3), *positions = I32(c, 4), *slots = I32(c, 5), *tokens = I32(c, 6);
  float *log_probs = F32(c, 7);
  int64_t padded = (V + BLOCK - 1) / BLOCK * BLOCK;
  float *d = scratch(id, 2 * padded * sizeof(float)), *e = d + padded;
  share(B, 1, id, threads, &from, &to);
  for (int64_t i = from; i < to; i++) {
    int32_t *state = states + i * 8, slot = slots[i], finish = RUNNING;
    if (!state[ACTIVE] || slot < 0 || slot >= S) continue;
    const float *z = logits + i * V;
    float top = maximum(z, V), total = sum_exp(z, V, top);
    int64_t position = positions[i] + 1, at = slot * P + position;
    if (!(total > 0 && total < __builtin_inff())) finish = NOT_FINITE;
    else if (position >= P) finish = LENGTH;
    else {
      double u = philox((uint32_t)state[GENERATED], (uint32_t)state[SEED], (uint32_t)state[STREAM]) / 4294967296.0;
      int32_t token = (int32_t)choose(z, V, settings + i * 8, tokens + slot * P, position, d, e, u);
      tokens[at] = token;
      log_probs[at] = z[token] - top - log1(total);
      ids[i] = token;
      state[GENERATED]++;
      const float *more = settings + i * 8;
      float next = (float)(token + 1);
      if (token == state[STOP1] || token == state[STOP2]) finish = STOP;
      else if (next == more[STOP3] || next == more[STOP4] || next == more[STOP5]) finish = STOP;
      else if (state[GENERATED] >= state[LIMIT] || position + 1 >= P) finish = LENGTH;
      else positions[i] = (int32_t)position;
    }
    if (finish == RUNNING) continue;
    state[ACTIVE] = 0;
    state[FINISH] = finish;
    slots[i] = -1;
  }
}
