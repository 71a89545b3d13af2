/**
 * The kernels by name. A command's opcode is the kernel's place in this list, counted from 1: the same list as the
 * macro KERNELS in kernels/xueba.h (`kernels.test.ts` holds the two together). A backend runs lists of commands.
 */
export const kernelNames = [
  'fill',
  'copy',
  'axpby',
  'binary',
  'sum',
  'gather_rows',
  'gemm',
  'linear_int8',
  'embedding_forward',
  'embedding_backward',
  'rmsnorm_forward',
  'rmsnorm_backward',
  'qk_forward',
  'qk_backward',
  'attention_forward',
  'attention_backward',
  'swiglu_forward',
  'swiglu_backward',
  'cross_entropy',
  'policy_loss',
  'sum_squares',
  'clip_scale',
  'adamw',
  'muon_momentum',
  'normalize',
  'muon_apply',
  'cache_write',
  'attention_cached',
  'sample',
] as const

export type KernelName = (typeof kernelNames)[number]

/** Opcode of each kernel. */
export const opcodes = Object.fromEntries(kernelNames.map((name, i) => [name, i + 1])) as Record<KernelName, number>
