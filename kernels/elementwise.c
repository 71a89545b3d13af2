// Elementwise kernels, sums and row gathers. Loops without a reduction are plain C: compilers vectorise them.
#include "vmath.h"

#define GRAIN 1024 // floats: below that, splitting costs more than it saves

static void part(const Command *c, int id, int threads, int64_t *from, int64_t *to) {
  share(c->dim[0], GRAIN, id, threads, from, to);
}

void k_fill(const Command *c, int id, int threads) {
  int64_t from, to;
  part(c, id, threads, &from, &to);
  float *x = F32(c, 0), value = c->scalar[0];
  for (int64_t i = from; i < to; i++) x[i] = value;
}

void k_copy(const Command *c, int id, int threads) {
  int64_t from, to;
  part(c, id, threads, &from, &to);
  __builtin_memmove(F32(c, 1) + from, F32(c, 0) + from, (to - from) * sizeof(float));
}

// y = alpha * x[i or 0] + beta * y
void k_axpby(const Command *c, int id, int threads) {
  int64_t from, to;
  part(c, id, threads, &from, &to);
  const float *x = F32(c, 0);
  float *y = F32(c, 1), alpha = c->scalar[0], beta = c->scalar[1];
  if (c->dim[1] == 1 && c->dim[0] > 1) {
    float value = alpha * x[0];
    if (beta == 0) for (int64_t i = from; i < to; i++) y[i] = value;
    else for (int64_t i = from; i < to; i++) y[i] = value + beta * y[i];
  } else {
    if (beta == 0) for (int64_t i = from; i < to; i++) y[i] = alpha * x[i];
    else for (int64_t i = from; i < to; i++) y[i] = alpha * x[i] + beta * y[i];
  }
}

#define EACH(expression)                                                                                               \
  do {                                                                                                                 \
    if (add) for (int64_t i = from; i < to; i++) y[i] += (expression);                                                 \
    else for (int64_t i = from; i < to; i++) y[i] = (expression);                                                      \
  } while (0)

// y (+)= a op b, where b has as many elements or one
void k_binary(const Command *c, int id, int threads) {
  int64_t from, to;
  part(c, id, threads, &from, &to);
  const float *a = F32(c, 0), *b = F32(c, 1), b0 = b[0];
  float *y = F32(c, 2);
  int one = c->dim[1] == 1, add = c->dim[3];
  switch (c->dim[2]) {
    case 0: if (one) EACH(a[i] + b0); else EACH(a[i] + b[i]); break;
    case 1: if (one) EACH(a[i] - b0); else EACH(a[i] - b[i]); break;
    default: if (one) EACH(a[i] * b0); else EACH(a[i] * b[i]);
  }
}

// Sum of x or of its squares: blocks in float vectors (8 additions to a lane), blocks together in double, threads in order.
static double sum_part(const float *x, int64_t from, int64_t to, int squared) {
  double total = 0;
  for (int64_t block = from; block < to; block += 16 * VW) {
    int64_t end = block + 16 * VW < to ? block + 16 * VW : to, i = block;
    vf s = vset(0), t = vset(0);
    for (; i + 2 * VW <= end; i += 2 * VW) {
      vf u = vload(x + i), v = vload(x + i + VW);
      s = squared ? FMA(u, u, s) : s + u;
      t = squared ? FMA(v, v, t) : t + v;
    }
    float rest = 0;
    for (; i < end; i++) rest += squared ? x[i] * x[i] : x[i];
    total += (double)vsum(s + t) + rest;
  }
  return total;
}

// Every thread returns the same total, after a barrier.
static double sum_all(const Command *c, const float *x, int squared, int id, int threads) {
  int64_t from, to;
  part(c, id, threads, &from, &to);
  double *partial = shared_scratch(threads * sizeof(double)), total = 0;
  partial[id] = sum_part(x, from, to, squared);
  barrier();
  for (int i = 0; i < threads; i++) total += partial[i];
  return total;
}

void k_sum(const Command *c, int id, int threads) {
  double total = sum_all(c, F32(c, 0), 0, id, threads);
  float *y = F32(c, 1);
  if (id == 0) y[0] = (float)(c->scalar[0] * total + (c->dim[1] ? y[0] : 0));
}

void k_sum_squares(const Command *c, int id, int threads) {
  double total = sum_all(c, F32(c, 0), 1, id, threads);
  float *y = F32(c, 1);
  if (id == 0) y[0] = (float)(total + (c->dim[1] ? y[0] : 0));
}

// x *= 1 / norm(x)
void k_normalize(const Command *c, int id, int threads) {
  float *x = F32(c, 0);
  double total = sum_all(c, x, 1, id, threads);
  float factor = (float)(1 / (__builtin_sqrt(total) + 1e-7));
  int64_t from, to;
  part(c, id, threads, &from, &to);
  for (int64_t i = from; i < to; i++) x[i] *= factor;
}

// y (n, C) = rows `index` of the table (rows, C); an index outside gives zeros
static void gather(const float *table, const int32_t *index, float *y, int64_t n, int64_t C, int64_t rows, int id, int threads) {
  int64_t from, to;
  share(n, 1 + GRAIN / C, id, threads, &from, &to);
  for (int64_t i = from; i < to; i++) {
    int64_t row = index[i];
    if (row >= 0 && row < rows) __builtin_memcpy(y + i * C, table + row * C, C * sizeof(float));
    else __builtin_memset(y + i * C, 0, C * sizeof(float));
  }
}

void k_gather_rows(const Command *c, int id, int threads) {
  gather(F32(c, 0), I32(c, 1), F32(c, 2), c->dim[0], c->dim[1], c->dim[2], id, threads);
}

void k_embedding_forward(const Command *c, int id, int threads) {
  gather(F32(c, 1), I32(c, 0), F32(c, 2), c->dim[0], c->dim[1], c->dim[2], id, threads);
}

// dtable[id] += dy, threads split by column: ids repeat, columns do not
void k_embedding_backward(const Command *c, int id, int threads) {
  int64_t n = c->dim[0], C = c->dim[1], V = c->dim[2], from, to;
  const int32_t *ids = I32(c, 0);
  const float *dy = F32(c, 1);
  float *dtable = F32(c, 2);
  share(C, 16, id, threads, &from, &to);
  for (int64_t i = 0; i < n; i++) {
    if (ids[i] < 0 || ids[i] >= V) continue;
    float *to_row = dtable + ids[i] * C;
    const float *from_row = dy + i * C;
    for (int64_t j = from; j < to; j++) to_row[j] += from_row[j];
  }
}
