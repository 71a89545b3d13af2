/** What a module of the kernels was built from, as its custom section `build` says (scripts/kernels.ts writes it). */
export interface KernelBuild {
  compiler: string
  flags: string
  /** SHA-256 of the C sources. */
  sources: string
  /** Rows and vectors of its register tile: `3x3`. */
  tile: string
}

/** Throws when the module was not made by scripts/kernels.ts. */
export function buildOf(module: WebAssembly.Module): KernelBuild {
  const [section] = WebAssembly.Module.customSections(module, 'build')
  if (!section)
    throw new Error('kernels.wasm does not say what it was built from: scripts/kernels.ts makes one that does')
  return JSON.parse(new TextDecoder().decode(section)) as KernelBuild
}
