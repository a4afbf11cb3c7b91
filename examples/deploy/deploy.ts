import { filesystemStore, metadataStore, pipeline } from 'millrace'

/** An accuracy that is good enough starts a run, which deploys; whatever happens in it is told by the step that is for it. */
export const deploy = pipeline(
  'deploy',
  {
    metadata_store: metadataStore({
      path: './deploy-artifacts/metadata.db',
      trigger: ({ metric }) =>
        metric.key === 'accuracy' && metric.value > 0.9 && { start: `accuracy is ${metric.value}` },
    }),
    deployed: filesystemStore({ path: './deploy-artifacts/deployed' }),
  },
  (action) => ({
    deploy: action(
      { after: ['deployed'] },
      {
        before: ({ log, run }) => log.info(`before: run ${run.number} makes room`),
        execute: async ({ run, stores }) => {
          const [trigger] = await stores.metadata_store.triggers({ run: run.number })
          const accuracy = Number(trigger?.message.split(' ').at(-1))
          if (accuracy > 1) throw new RangeError('an accuracy is 1 at most')
          if (accuracy === 1) return { failed: 'nothing is always right: it has seen the answers' }
          await stores.deployed.save(`model${run.number}.txt`, `deployed with ${accuracy}\n`)
          return `deployed with ${accuracy}`
        },
        onSuccess: ({ log }) => log.info('onSuccess: tells everybody'),
        onFailure: ({ log }, reason) => log.warn(`onFailure: ${reason}`),
        onError: ({ log }, cause) => log.error(`onError: ${cause}`),
        after: ({ log }) => log.info('after: tidies up, whatever happened'),
      },
    ),
  }),
)
