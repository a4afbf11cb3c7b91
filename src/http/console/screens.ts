import { useQuery } from '@tanstack/react-query'
import { portalScreens, type Screen, screens } from './key-list.ts'
import { graphQuery } from './queries.ts'
import { meQuery } from './session.ts'

/** Which screens there are: those of experiments where there is a portal, those of pipelines where there are pipelines, or neither. */
export const useScreens = (): readonly Screen[] => {
  const { data: me } = useQuery(meQuery)
  const { data: graph } = useQuery(graphQuery)
  if (!me?.portal) return screens
  const isBare = graph?.nodes.length === 0
  return [...portalScreens, ...screens.filter(([, to]) => !isBare || to === '/hosts')]
}
