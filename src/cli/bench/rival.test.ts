import { expect, it } from 'vitest'
import { rivalName, yearOf } from './rival.ts'

it.each([
  ['PyTorch', '1.13.1', 'PyTorch 1.13.1 (2022)'],
  ['PyTorch', '2.5.1+cpu', 'PyTorch 2.5.1+cpu (2024)'],
  ['OpenBLAS', '0.3.21', 'OpenBLAS 0.3.21 (2022)'],
  ['OpenBLAS', '0.3.99', 'OpenBLAS 0.3.99'], // a year that is not known is not guessed
  ['something else', '1', 'something else 1'],
])('%s %s is called by its year', (name, version, expected) => expect(rivalName(name, version)).toBe(expected))

it('a tokenizer is known by its exact version', () => {
  expect(yearOf('tiktoken', '1.0.22')).toBe(2025)
  expect(yearOf('tiktoken', '1.0.23')).toBeUndefined()
})
