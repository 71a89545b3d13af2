/** Answers that are JSON of a schema: from the schema to a mask over the vocabulary before each token. */
export { constrainToJson, type JsonConstraint, tokenTree, type TokenTree } from './constraint.ts'
export { type JsonShape, readSchema, SchemaError } from './schema.ts'
