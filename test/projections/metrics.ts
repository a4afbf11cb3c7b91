import type { Bus } from '#bus/bus'
import type { Page } from '#projections/view'
import { teller, type watching } from './story.ts'

/** How many rows a list has. */
export const countOf = async (
  viewer: Awaited<ReturnType<typeof watching>>['viewer'],
  view: 'metrics' | 'rejected' = 'metrics',
) => ((await viewer.ask(view, {})).value as Page).items.length

/** Measures something so many times; gives the position of the last. */
export const measured = async (bus: Bus, times = 1) => {
  const { fact } = teller(bus)
  let position = ''
  for (let i = 0; i < times; i++)
    position = await fact('tracking.metric-logged', 'root', `script-${Math.random().toString(36).slice(2)}`, {
      key: 'k',
      value: i,
    })
  return position
}
