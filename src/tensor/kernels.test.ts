import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { kernelNames } from './kernels.ts'

it('lists the kernels as kernels/xueba.h does, in the same order', () => {
  const header = readFileSync(new URL('../../kernels/xueba.h', import.meta.url), 'utf8')
  const list = header.slice(header.indexOf('#define KERNELS(X)'), header.indexOf('#define DECLARE'))
  expect([...list.matchAll(/X\((\w+)\) ?/g)].map((m) => m[1]).slice(0)).toEqual(['X', ...kernelNames].slice(1))
})
