/** The plain options of a stage out of a resolved recipe, which writes them one a line. A reader of YAML would be ten times this page. */
export function optionsOf(recipe: string, kind: string): Record<string, number | undefined> {
  const options: Record<string, number | undefined> = {}
  const lines = recipe.split('\n')
  const from = lines.findIndex((line) => line === `  - kind: ${kind}`)
  if (from < 0) return options
  for (const line of lines.slice(from + 1)) {
    if (/^ {2}- /.test(line) || /^\S/.test(line)) break
    const [, key, value] = /^ {4}(\w+): (-?[\d.]+(?:e[-+]?\d+)?)$/i.exec(line) ?? []
    if (key) options[key] = Number(value)
  }
  return options
}
