// silu(gate) * up, gate and up side by side in a row of 2F.
#include "vmath.h"

static inline vf sigmoid(vf x) { return 1.0f / (1.0f + vexp(-x)); }

static inline vf forward(vf gate, vf up) { return gate * sigmoid(gate) * up; }

static inline void backward(vf gate, vf up, vf d, vf *dgate, vf *dup) {
  vf s = sigmoid(gate);
  *dgate = d * up * s * (1.0f + gate * (1.0f - s));
  *dup = d * gate * s;
}

void k_swiglu_forward(const Command *c, int id, int threads) {
  int64_t n = c->dim[0], F = c->dim[1], from, to;
  share(n, 1, id, threads, &from, &to);
  for (int64_t i = from; i < to; i++) {
    const float *gate = F32(c, 0) + i * 2 * F, *up = gate + F;
    float *y = F32(c, 1) + i * F;
    int64_t j = 0;
    for (; j + VW <= F; j += VW) vstore(y + j, forward(vload(gate + j), vload(up + j)));
    if (j < F) vstore_n(y + j, forward(vload_n(gate + j, F - j), vload_n(up + j, F - j)), F - j);
  }
}

void k_swiglu_backward(const Command *c, int id, int threads) {
  int64_t n = c->dim[0], F = c->dim[1], from, to;
  int add = c->dim[2];
  share(n, 1, id, threads, &from, &to);
  for (int64_t i = from; i < to; i++) {
    const float *gate = F32(c, 0) + i * 2 * F, *up = gate + F, *d = F32(c, 1) + i * F;
    float *dgate = F32(c, 2) + i * 2 * F, *dup = dgate + F;
    for (int64_t j = 0; j < F; j += VW) {
      int64_t m = F - j < VW ? F - j : VW;
      vf a, b;
      if (m == VW) {
        backward(vload(gate + j), vload(up + j), vload(d + j), &a, &b);
        vstore(dgate + j, add ? vload(dgate + j) + a : a);
        vstore(dup + j, add ? vload(dup + j) + b : b);
      } else {
        backward(vload_n(gate + j, m), vload_n(up + j, m), vload_n(d + j, m), &a, &b);
        vstore_n(dgate + j, add ? vload_n(dgate + j, m) + a : a, m);
        vstore_n(dup + j, add ? vload_n(dup + j, m) + b : b, m);
      }
    }
  }
}
