import type { ModelCard } from './model-card.ts'

/** A text on one line. */
export const line = (given: unknown): string =>
  (typeof given === 'object' ? JSON.stringify(given) : String(given)).replaceAll(/\s+/g, ' ').trim()
const cell = (given: unknown): string => line(given).replaceAll('\\', '\\\\').replaceAll('|', '\\|')

/** What the metadata says, for people. */
export const sections = (title: string | undefined, card: ModelCard): string => {
  const said = (facts: readonly (readonly [string, unknown])[], otherwise: string) =>
    facts
      .filter(([, fact]) => fact !== undefined)
      .map(([about, fact]) => `- ${about}: ${Array.isArray(fact) ? fact.map(line).join(', ') : line(fact)}`)
      .join('\n') || otherwise
  const emitted = card.co2_eq_emissions
  const rows = (card['model-index'] ?? []).flatMap(({ results }) =>
    results.flatMap(({ task, dataset, metrics }) =>
      metrics.map(({ type, name: called, value: found }) => {
        const data = [dataset.name, dataset.config, dataset.split].filter((part) => part !== undefined).join(', ')
        return `| ${[task.name ?? task.type, data, called ?? type, found].map(cell).join(' | ')} |`
      }),
    ),
  )
  const table = ['| Task | Dataset | Metric | Value |', '| --- | --- | --- | --- |', ...rows].join('\n')
  const description = said(
    [
      ['Task', card.pipeline_tag],
      ['Library', card.library_name],
      ['Language', card.language],
      ['Base model', card.base_model],
      ['Relation to the base model', card.base_model_relation],
      ['License', card.license_name ?? card.license],
    ],
    'Not described yet.',
  )
  const training = said(
    [
      ['Datasets', card.datasets],
      ['Emissions, in grams of CO2', typeof emitted === 'object' ? emitted.emissions : emitted],
    ],
    'Not described yet.',
  )
  const heading = line(title ?? card['model-index']?.[0]?.name ?? 'Model card')
  const results = rows.length > 0 ? table : 'Not evaluated yet.'
  return `# ${heading}\n\n## Model description\n\n${description}\n\n## Training\n\n${training}\n\n## Evaluation results\n\n${results}\n`
}
