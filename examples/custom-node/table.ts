import { DatabaseSync } from 'node:sqlite'
import type { Resource } from 'millrace'

/** The rows of a table of a SQLite database, each as a JSON file: looked at again and again for new ones. */
export const databaseTable = (file: string, table: string): Resource => {
  const db = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
  const page = db.prepare(`select id, version from "${table}" where id > ? order by id limit 1000`)
  const row = db.prepare(`select * from "${table}" where id = ? and version = ?`)
  return {
    /** Page by page, each read at once: a statement that is still open would keep those out who write to the table. */
    async *list() {
      for (let last = Number.MIN_SAFE_INTEGER; ; ) {
        const rows = page.all(last)
        for (const { id, version } of rows) yield { path: `${id}.json`, version: String(version) }
        if (rows.length === 0) return
        last = Number(rows.at(-1)?.id)
      }
    },
    async read(path, { version }) {
      const found = row.get(Number(path.replace('.json', '')), Number(version))
      if (!found) throw new Error(`${path} is no longer at version ${version}`)
      return JSON.stringify(found)
    },
  }
}
