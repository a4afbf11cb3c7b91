/// <reference types="vite/client" />
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import '@xyflow/react/dist/base.css'
import 'uplot/dist/uPlot.min.css'
import './styles.css'
import { App } from './app.tsx'
import type { Problem } from './ask.ts'
import { sessionQuery } from './session.ts'
import { applyTheme } from './theme.ts'

const isPassing = (error: Error): boolean => [0, 502, 503, 504].includes((error as Problem).status)

const client = new QueryClient({
  queryCache: new QueryCache({
    // Whoever is signed in no longer is asked who they are.
    onError: (error) => {
      if ((error as Problem).status === 401) void client.invalidateQueries({ queryKey: sessionQuery.queryKey })
    },
  }),
  defaultOptions: {
    queries: {
      // The server is near even where the network is not; and nothing is old before an event says so.
      networkMode: 'always',
      staleTime: Number.POSITIVE_INFINITY,
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < 3 && isPassing(error),
    },
    mutations: { networkMode: 'always' },
  },
})

applyTheme()

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
)
