import { expect, test } from 'vitest'
import { chooseFiles, type DatasetQuery } from './dataset.ts'

const files = (...paths: string[]) => paths.map((path) => ({ url: `http://hub.example/${path}`, path, size: 1 }))
const choose = (paths: string[], query: Partial<DatasetQuery> = {}, card = '') =>
  chooseFiles(files(...paths), card, { name: 'a/b', revision: 'main', split: 'train', ...query }).map(
    ({ path }) => path,
  )

test('without a card, names say which split a file is of', () => {
  const paths = [
    'README.md',
    'data/train-00001-of-00002.parquet',
    'data/train-00000-of-00002.parquet',
    'data/test-0.parquet',
  ]
  expect(choose(paths)).toEqual(['data/train-00000-of-00002.parquet', 'data/train-00001-of-00002.parquet'])
  expect(choose(paths, { split: 'test' })).toEqual(['data/test-0.parquet'])
  expect(choose(paths, { split: 'all' })).toHaveLength(3)
  expect(choose(['dev.jsonl', 'training.jsonl'], { split: 'validation' })).toEqual(['dev.jsonl'])
  expect(choose(['train_sft.jsonl', 'train_rl.jsonl'], { split: 'train_rl' })).toEqual(['train_rl.jsonl'])
  expect(() => choose(paths, { split: 'validation' })).toThrow(/no Parquet.* for split validation; splits: train, test/)
})

test('without any split in the names, all is train', () => {
  expect(choose(['b.jsonl.zst', 'a.jsonl.gz', 'pic.png', '.gitattributes', 'c.json'])).toEqual([
    'a.jsonl.gz',
    'b.jsonl.zst',
    'c.json',
  ])
  expect(() => choose(['x.png'])).toThrow(/a\/b: no Parquet, JSONL, CSV or text files for split train; splits: none/)
})

test('without a card, a configuration is a folder', () => {
  const paths = ['en/train.parquet', 'zh/train.parquet', 'zh/test.parquet']
  expect(choose(paths, { config: 'zh' })).toEqual(['zh/train.parquet'])
  expect(
    choose(['default/train/0000.parquet', 'default/test/0000.parquet'], { config: 'default', split: 'test' }),
  ).toEqual(['default/test/0000.parquet'])
  expect(() => choose(paths, { config: 'fr' })).toThrow(/a\/b has no config fr; there are en, zh/)
})

// The form of FineWeb's card.
const card = `---
license: odc-by
configs:
- config_name: default
  data_files:
  - split: train
    path: data/*/*
- config_name: sample-10BT
  data_files:
  - split: train
    path: sample/10BT/*
- config_name: CC-MAIN-2024-10
  data_files:
  - split: train
    path:
    - "data/CC-MAIN-2024-10/*"
    - extra.parquet
  - split: test
    path: data/test.parquet
---
# A dataset
`
const paths = [
  'data/CC-MAIN-2024-10/000.parquet',
  'data/CC-MAIN-2023-50/000.parquet',
  'data/CC-MAIN-2023-50/deep/er.parquet',
  'data/test.parquet',
  'sample/10BT/000.parquet',
  'extra.parquet',
]

test('a card says it with patterns', () => {
  expect(choose(paths, {}, card)).toEqual(['data/CC-MAIN-2023-50/000.parquet', 'data/CC-MAIN-2024-10/000.parquet'])
  expect(choose(paths, { config: 'sample-10BT' }, card)).toEqual(['sample/10BT/000.parquet'])
  expect(choose(paths, { config: 'CC-MAIN-2024-10' }, card)).toEqual([
    'data/CC-MAIN-2024-10/000.parquet',
    'extra.parquet',
  ])
  expect(choose(paths, { config: 'CC-MAIN-2024-10', split: 'test' }, card)).toEqual(['data/test.parquet'])
  expect(choose(paths, { config: 'CC-MAIN-2024-10', split: 'all' }, card)).toHaveLength(3)
  expect(() => choose(paths, { config: 'nope' }, card)).toThrow(/has no config nope; there are default, sample-10BT/)
  expect(() => choose(paths, { split: 'dev' }, card)).toThrow(/no Parquet.*for split dev; splits: train/)
})

test('a card may leave the files or the default to us', () => {
  const two = '---\nconfigs:\n- config_name: a\n  data_dir: a\n- config_name: b\n  data_files: "b/*.jsonl"\n---\n'
  expect(choose(['a/train.jsonl', 'b/x.jsonl'], { config: 'a' }, two)).toEqual(['a/train.jsonl'])
  expect(choose(['a/train.jsonl', 'b/x.jsonl'], { config: 'b' }, two)).toEqual(['b/x.jsonl'])
  expect(() => choose(['a/train.jsonl'], {}, two)).toThrow(/a\/b has several configs; name one: a, b/)
  for (const broken of ['---\n: [\n---\n', '---\nlicense: mit\n---\n', 'no front matter'])
    expect(choose(['train.jsonl'], {}, broken)).toEqual(['train.jsonl'])
})
