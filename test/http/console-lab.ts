import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { filesystemStore, metadataStore, modelRegistry, pipeline } from 'millrace'

/** While this file is not there, whoever was told to wait does so. */
const gate = process.env.MILLRACE_TEST_GATE ?? ''

/**
 * A pipeline for looking at: what its run comes to stands in the file that began it (`fail`, `wait`, `retry`; else it
 * succeeds), and whatever it says could be taken for HTML.
 */
export const lab = pipeline(
  'lab',
  {
    metadata_store: metadataStore({ path: './lab/metadata.db' }),
    data: filesystemStore({ path: './lab/data', watch: true, settle: 100 }),
    models: modelRegistry({ path: './lab/models' }),
  },
  (action) => ({
    prepare: action({ after: ['data', 'models'] }, async ({ stores, log }) => {
      log.info('prepared')
      await stores.metadata_store.logParam('<b>rate</b>', '<img src=x onerror=alert(1)>')
      await stores.metadata_store.tag('<i>kind</i>', '<script>alert(2)</script>')
    }),
    train: action(
      { after: ['prepare'], retry: { times: 3, delay: 60_000 }, timeout: 600_000, join: 'all' },
      async ({ run, stores, log, progress, signal }) => {
        const [file] = run.inputs.data
        const wish = file ? (await file.text()).trim() : ''
        if (wish === 'retry') throw new Error('out of <em>memory</em>')
        const { logMetric } = stores.metadata_store
        log.info('\u001b[32mtraining\u001b[0m with <img src=y onerror=alert(3)>')
        for (const [step, loss] of [2, 1, Number.NaN, 0.5, Number.POSITIVE_INFINITY, 0.25].entries())
          await logMetric('<u>loss</u>', loss, { step })
        if (wish === 'fail') {
          for (let line = 1; line <= 40; line++) log.info(`line ${line} of 40`)
          log.error('\u001b[31mthe loss\u001b[0m is <b>no number</b>')
          return { failed: 'the loss is no number\n<img src=z onerror=alert(4)>' }
        }
        for (let tick = 1; wish === 'wait' && !existsSync(gate); tick++) {
          log.info(`tick ${tick}`)
          progress(Math.min(tick, 99), 100, 'epochs')
          await delay(100, undefined, { signal })
        }
        const card = {
          license: 'mit',
          tags: ['demo'],
          body: '\n## About it\n\nA **small** one.\n\n<script>alert(5)</script>\n',
        }
        await stores.models.save(`model${run.number}.txt`, 'weights', { card })
        return 'trained'
      },
    ),
    publish: action({ after: ['train'] }, ({ log }) => log.info('published')),
  }),
)
