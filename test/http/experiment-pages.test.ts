import { expect, test } from 'vitest'
import { longest, pagesOverHttp } from '../../bench/experiment-pages.ts'

/** What `npm run bench -- experiments` holds a thousand experiments to, at best of a few times: other tests run beside. */
const atMost = 50

test('every page of experiments comes over HTTP in fifty milliseconds', async () => {
  const ways = await pagesOverHttp(200)
  expect(ways.filter(({ path, fastest }) => path !== longest && fastest > atMost)).toEqual([])
  expect(ways.length).toBeGreaterThan(20)
})
