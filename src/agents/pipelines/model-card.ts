import { z } from 'zod'
import { exact } from '#contracts/fields'
import { toYaml } from '../to-yaml.ts'
import { checked, open } from './card.ts'
import { splitCard } from './front-matter.ts'
import { line, sections } from './model-sections.ts'

const text = z.string().optional()
const name = z.string().min(1, 'expected text')
const texts = z.union([z.string(), z.array(z.string())], 'expected text, or a list of texts').optional()
const object = z.record(z.string(), z.unknown())
const args = z.union([object, z.string()], 'expected an object, or text').optional()
const value = z.unknown().refine((given) => given !== undefined && given !== null, 'is missing; expected a value')

const result = exact({
  task: exact({ type: name, name: text }),
  dataset: exact({ type: name, name, config: text, split: text, revision: text, args }),
  metrics: z.array(
    exact({ type: name, value, name: text, config: text, args, verified: z.boolean().optional(), verifyToken: text }),
  ),
  source: exact({ name: text, url: name }).optional(),
})

const fields = {
  language: texts,
  license: texts,
  license_name: text,
  license_link: text,
  library_name: text,
  pipeline_tag: text,
  tags: texts,
  datasets: texts,
  metrics: texts,
  base_model: texts,
  base_model_relation: z.enum(['adapter', 'finetune', 'merge', 'quantized']).optional(),
  new_version: text,
  thumbnail: text,
  inference: z.union([z.boolean(), object], 'expected true, false or an object').optional(),
  widget: z.array(object).optional(),
  co2_eq_emissions: z
    .union(
      [z.number(), z.looseObject({ emissions: z.number() })],
      'expected grams, or an object with emissions in grams',
    )
    .optional(),
  'model-index': z.array(exact({ name, results: z.array(result) })).optional(),
}

/** A key without a value says nothing, as huggingface_hub has it too. */
const said = (given: unknown): unknown =>
  typeof given === 'object' && given !== null && !Array.isArray(given)
    ? Object.fromEntries(Object.entries(given).filter(([, inner]) => inner !== null))
    : given

/**
 * The metadata of a model card: https://huggingface.co/docs/hub/model-cards, and for `model-index`
 * https://github.com/huggingface/hub-docs/blob/main/modelcard.md. Other keys may stand beside these, as on the Hub.
 */
export const modelCard = z.preprocess(said, open(fields))
const writable = open({ ...fields, title: text, body: text })

/** What a person says of a model: its metadata, and what the text under it begins with, or is. */
export type GivenModelCard = z.input<typeof writable>

export type ModelCard = z.output<typeof modelCard>

const what = 'The model card'

/** Reads a card that was written here, by hand or by huggingface_hub. A wrong one is one fault that lists every mistake. */
export const readModelCard = (card: string): { readonly metadata: ModelCard; readonly body: string } => {
  const { metadata, body } = splitCard(what, card)
  return { metadata: checked(what, modelCard, metadata), body }
}

/** Gives a card's text. Without a body, one is made of the metadata. What is written here can be read, and says the same. */
export const writeModelCard = (given: GivenModelCard): string => {
  const { title, body, ...metadata } = checked(what, writable, said(given))
  const heading = title === undefined ? '' : `# ${line(title)}\n\n`
  const card = `---\n${toYaml(metadata)}---\n\n${body === undefined ? sections(title, metadata) : heading + body}`
  readModelCard(card)
  return card
}
