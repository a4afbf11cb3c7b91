/** The world that the pipeline looks at: a feed at a port, a table in a file. Both get something new every two seconds. */
import { hash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { env } from 'node:process'
import { DatabaseSync } from 'node:sqlite'

const { PORT = '8100', ORDERS_DB = join(import.meta.dirname, 'world-artifacts/orders.db'), EVERY = '2000' } = env
mkdirSync(join(ORDERS_DB, '..'), { recursive: true })
const db = new DatabaseSync(ORDERS_DB, { timeout: 5_000 })
db.exec('create table if not exists orders (id integer primary key, version integer not null, item text not null)')

const news = new Map<string, string>()
const etagOf = (text: string) => `"${hash('sha256', text)}"`

const happen = (): void => {
  const number = news.size
  news.set(`/news/${number}.txt`, `news ${number}\n`)
  db.prepare('insert into orders (version, item) values (1, ?)').run(`item ${number}`)
  console.log(`news ${number}, and an order`)
}

const server = createServer(({ url = '/', headers }, answer) => {
  const items = [...news].map(([path, text]) => ({ url: path, etag: etagOf(text), size: text.length }))
  const text = url === '/feed.json' ? JSON.stringify({ items }) : news.get(url)
  if (text === undefined) answer.writeHead(404).end()
  else if (headers['if-none-match'] === etagOf(text)) answer.writeHead(304).end()
  else answer.writeHead(200, { etag: etagOf(text) }).end(text)
})
server.on('error', (cause) => {
  console.error(`The feed can't be served at port ${PORT}: ${cause.message}. Say another with PORT, and see the README`)
  process.exit(1)
})
server.listen(Number(PORT), '127.0.0.1', () => {
  happen()
  setInterval(happen, Number(EVERY))
})
