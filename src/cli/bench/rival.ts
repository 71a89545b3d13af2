/** Who we are compared with, by name, version and year: a ratio to something old says little. */

/** Years of releases, by version or its first two numbers. */
const YEARS: Record<string, Record<string, number>> = {
  PyTorch: {
    '1.12': 2022,
    '1.13': 2022,
    '2.0': 2023,
    '2.1': 2023,
    '2.2': 2024,
    '2.3': 2024,
    '2.4': 2024,
    '2.5': 2024,
    '2.6': 2025,
  },
  OpenBLAS: { '0.3.21': 2022, '0.3.26': 2024, '0.3.28': 2024, '0.3.29': 2025, '0.3.30': 2025 },
  tiktoken: { '1.0.22': 2025 },
  'gpt-tokenizer': { '4.0.0': 2026 },
  '@huggingface/tokenizers': { '0.2.0': 2026 },
}

/** Undefined for a version whose date is not known here. */
export function yearOf(name: string, version: string): number | undefined {
  const known = YEARS[name] ?? {}
  return known[version] ?? known[version.split('.').slice(0, 2).join('.')]
}

/** `PyTorch 1.13.1 (2022)` */
export function rivalName(name: string, version: string): string {
  const year = yearOf(name, version)
  return `${name} ${version}${year === undefined ? '' : ` (${year})`}`
}
