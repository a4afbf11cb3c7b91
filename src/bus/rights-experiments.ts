import { portalPlace } from '#contracts/experiment-parts'
import { type Allowed, any, api } from './rights.ts'

/** What is decided at a portal. */
const portalAggregates = ['experiment', 'end-node', 'portal', 'person']

/** Deciding what is decided at a portal, over all projects and sites; and taking in what is to be kept secret. */
export const decidingExperiments: Allowed = {
  publish: portalAggregates.map((aggregate) => `events.${aggregate}.*.*`),
  subscribe: [...portalAggregates.map((aggregate) => `commands.${aggregate}.*.*.*`), `services.${portalPlace}.*.*.*`],
  answers: true,
}

/** Following the log under a name that all portals share, to tell people of what happens; and saying whom it told. */
export const notifying = (principal: string): Allowed => ({
  publish: [
    ...['CREATE', 'MSG.NEXT'].map((verb) => `${api}.CONSUMER.${verb}.EVENTS.notifier`),
    '$JS.ACK.EVENTS.notifier.>',
    `events.notification.*.${principal}`,
  ],
})

/** Taking steps of experiments at one place, or at any; each prints for the part that it is taken for. */
export const takingSteps = (
  place: string,
  principal: string,
  agents: readonly string[],
  parts: readonly string[],
): Allowed => ({
  publish: [
    ...agents.flatMap((agent) => {
      // A wildcard stands for a whole token, and a consumer's name is one.
      const consumer = agent === any || place === any ? any : `${place}=${agent}`
      return [
        `${api}.CONSUMER.CREATE.WORK.${consumer}.work.${place}.${agent}.*`,
        `${api}.CONSUMER.INFO.WORK.${consumer}`,
        `${api}.CONSUMER.MSG.NEXT.WORK.${consumer}`,
        `$JS.ACK.WORK.${consumer}.>`,
        `dead.${place}.${agent}.*`,
      ]
    }),
    ...parts.map((part) => `logs.*.*.${place}.${part}`),
    `events.host.all.${principal}`,
  ],
})
