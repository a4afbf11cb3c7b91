import { filesystemStore, metadataStore, modelRegistry, pipeline } from 'millrace'

/** A pipeline that two hosts share: whatever its nodes do, they do not know where the others are. */
export const shared = pipeline(
  'shared',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    inbox: filesystemStore({ path: './inbox', watch: true, settle: 50 }),
    models: modelRegistry({ path: './models' }),
  },
  (action) => ({
    prepare: action({ after: ['inbox'] }, async ({ run, stores }) => {
      await stores.metadata_store.logParam('rate', 3)
      await stores.models.save(`prepared${run.number}.txt`, 'prepared')
    }),
    train: action({ after: ['prepare'], retry: { times: 3, delay: 100 } }, async ({ run, stores }) => {
      const [words] = await Promise.all(run.inputs.inbox.map((file) => file.text()))
      const prepared = await stores.models.open(`prepared${run.number}.txt`)
      await prepared.text()
      const saved = await stores.models.save(`nested/model ${run.number}.txt`, `trained on ${words}`, {
        tags: { stage: 'new' },
        card: { license: 'mit' },
      })
      await stores.models.tag(`prepared${run.number}.txt`, { used: 'yes' })
      await stores.models.card(`prepared${run.number}.txt`, { license: 'apache-2.0' })
      const taken = await stores.models.save(saved.path, 'other bytes').catch((cause: Error) => cause.message)
      const missing = await stores.models.open('none.txt').catch((cause: Error) => cause.message)
      const [rate] = await stores.metadata_store.params({ run: run.number, key: 'rate' })
      const listed = (await stores.models.list()).map(({ path }) => path)
      return JSON.stringify({ rate: rate?.value, listed, taken, missing })
    }),
    count: action({
      after: ['train'],
      exec: [
        'sh',
        '-c',
        'elsewhere=$(grep -c "folder.: null" "$MILLRACE_INPUT"); echo "{\\"millrace\\":\\"message\\",\\"text\\":\\"$elsewhere elsewhere\\"}"; echo words > out.txt; echo \'{"millrace":"artifact","store":"models","path":"count.txt","file":"out.txt","overwrite":true}\'',
      ],
    }),
    report: action({ after: ['count'] }, async ({ run, stores }) =>
      (await stores.models.open(`nested/model ${run.number}.txt`)).text(),
    ),
  }),
)

/** Another one, of which one node has a name that the first has too. */
export const beside = pipeline('beside', { inbox: filesystemStore({ path: './beside' }) }, (action) => ({
  rest: action({ after: ['inbox'] }, () => undefined),
}))
