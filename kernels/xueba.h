// The contract between TypeScript and the kernels: one fixed-size command, one list, walked by all threads together.
// Vectors are GCC/clang vector extensions of VW floats; no libm, no -ffast-math, no thread-locals: the same files become a
// shared library (cc) and WebAssembly (clang). Every kernel splits its work statically by (id, threads), so that the same
// thread count gives the same bits.
#ifndef XUEBA_H
#define XUEBA_H
#include <stddef.h>
#include <stdint.h>

#ifndef VW // floats in a vector: 16 (AVX-512), 8 (AVX2), 4 (NEON, WebAssembly)
#if defined(__AVX512F__)
#define VW 16
#elif defined(__AVX__)
#define VW 8
#else
#define VW 4
#endif
#endif

typedef float vf __attribute__((vector_size(VW * 4), aligned(4)));
typedef int32_t vi __attribute__((vector_size(VW * 4), aligned(4)));

#ifdef __wasm_relaxed_simd__
#include <wasm_simd128.h>
#define FMA(a, b, c) ((vf)wasm_f32x4_relaxed_madd((v128_t)(a), (v128_t)(b), (v128_t)(c)))
#else
#define FMA(a, b, c) ((a) * (b) + (c)) // contracted by -ffp-contract=fast
#endif

#define DIMS 11
#define SCALARS 4
#define ADDRESSES 12

// 160 bytes. `address` holds byte addresses as doubles (exact to 2^53, so TypeScript writes them without BigInt); 0 = absent.
typedef struct {
  int32_t op;
  int32_t dim[DIMS];
  float scalar[SCALARS];
  double address[ADDRESSES];
} Command;

#define F32(c, i) ((float *)(uintptr_t)(c)->address[i])
#define I32(c, i) ((int32_t *)(uintptr_t)(c)->address[i])

typedef void Kernel(const Command *c, int id, int threads);

// The contiguous share of n items that belongs to thread `id`, in multiples of `grain`.
static inline void share(int64_t n, int64_t grain, int id, int threads, int64_t *from, int64_t *to) {
  int64_t units = (n + grain - 1) / grain;
  int64_t a = units * id / threads * grain, b = units * (id + 1) / threads * grain;
  *from = a < n ? a : n;
  *to = b < n ? b : n;
}

// All threads of the running command meet here (queue.c). Kernels may call it between phases of one command.
void barrier(void);

// Scratch memory that belongs to thread `id`, at least `bytes`, 64-byte aligned, valid until the command ends; a second call
// in the same command returns the same memory, or larger memory without the contents (queue.c). Traps when there is none left.
void *scratch(int id, size_t bytes);
// Scratch memory shared by all threads of the running command; all must ask for the same size, and a command that asks twice
// must put a barrier between the last use of the first and the second (queue.c).
void *shared_scratch(size_t bytes);
// The same two for gemm's packed panels alone, so that a kernel keeps its own scratch while it calls gemm.
void *panel_scratch(int id, size_t bytes);
void *shared_panel_scratch(size_t bytes);

// C (M,N) = alpha * op(A) op(B) + beta * R, called by all threads together (gemm.c). R may be C (accumulate) or absent (0).
// ta: A is stored (K,M); tb: B is stored (N,K). Leading dimensions in floats. R has C's leading dimension.
// half: A and B are rounded to bfloat16 first, sums stay f32. Ends with a barrier: on return C is complete for every thread.
void gemm(int half, int ta, int tb, int64_t M, int64_t N, int64_t K, float alpha, const float *A, int64_t lda,
          const float *B, int64_t ldb, float beta, const float *R, float *C, int64_t ldc, int id, int threads);

// Products of gemm's register tile in L1 (gemm.c): returns the operations done.
double tile_flops(int64_t iterations);

// Where the processor multiplies bfloat16 (bf16.c): whether it does (0 no, 1 AVX512_BF16, 2 AMX; known after bf16_start), the
// product that gemm hands over (returns 0 where it does not), and a loop in registers that returns its operations.
void bf16_start(void);
int bf16_unit(void);
int bf16_product(int ta, int tb, int64_t M, int64_t N, int64_t K, float alpha, const float *A, int64_t lda, const float *B,
                 int64_t ldb, float beta, const float *R, float *C, int64_t ldc, int id, int threads);
double bf16_peak(int64_t iterations);

// Every kernel, in the order of the opcodes: `fill` is 1. TypeScript reads this list (a test compares).
#define KERNELS(X)                                                                                                     \
  X(fill) X(copy) X(axpby) X(binary) X(sum) X(gather_rows) X(gemm) X(linear_int8)                                      \
  X(embedding_forward) X(embedding_backward) X(rmsnorm_forward) X(rmsnorm_backward) X(qk_forward) X(qk_backward)      \
  X(attention_forward) X(attention_backward)                                                                           \
  X(swiglu_forward) X(swiglu_backward) X(cross_entropy) X(policy_loss) X(sum_squares) X(clip_scale) X(adamw)          \
  X(muon_momentum) X(normalize) X(muon_apply) X(cache_write) X(attention_cached) X(sample)

#define DECLARE(name) Kernel k_##name;
KERNELS(DECLARE)
#undef DECLARE

#endif
