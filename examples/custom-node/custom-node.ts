import { join } from 'node:path'
import { env } from 'node:process'
import { filesystemStore, metadataStore, pipeline, resourceStore } from 'millrace'
import { httpFeed } from './feed.ts'
import { databaseTable } from './table.ts'

const {
  FEED_URL = 'http://127.0.0.1:8100/feed.json',
  ORDERS_DB = join(import.meta.dirname, 'world-artifacts/orders.db'),
} = env

export const customNode = pipeline(
  'custom_node',
  {
    metadata_store: metadataStore({ path: './node-artifacts/metadata.db' }),
    feed: resourceStore({
      resource: () => httpFeed(FEED_URL),
      path: './node-artifacts/feed',
      watch: true,
      every: 1000,
    }),
    orders: resourceStore({
      resource: () => databaseTable(ORDERS_DB, 'orders'),
      path: './node-artifacts/orders',
      watch: true,
      every: 1000,
    }),
    reports: filesystemStore({ path: './node-artifacts/reports' }),
  },
  (action) => ({
    report: action({ after: ['feed', 'orders', 'reports'] }, async ({ run, stores, log }) => {
      const texts = await Promise.all([...run.inputs.feed, ...run.inputs.orders].map((file) => file.text()))
      log.info(`${run.inputs.feed.length} of the feed, ${run.inputs.orders.length} orders`)
      await stores.reports.save(`report${run.number}.txt`, texts.join('\n'))
    }),
  }),
)
