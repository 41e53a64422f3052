import './policy.ts'
import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import '@mantine/dropzone/styles.css'
import './loading.css'
import { MantineProvider } from '@mantine/core'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createBrowserRouter, RouterProvider } from 'react-router'
import { Provider } from 'urql'
import { connectService, ServiceContext } from './api/service.tsx'
import { routes } from './app.tsx'
import { styleNonce } from './nonce.ts'
import { readableColors, theme } from './theme.ts'

const root = document.querySelector('#root')
if (root === null) throw new Error('The page has no place for the console.')
const service = connectService()
createRoot(root).render(
  <StrictMode>
    <MantineProvider
      cssVariablesResolver={readableColors}
      defaultColorScheme="auto"
      getStyleNonce={() => styleNonce}
      theme={theme}
    >
      <ServiceContext value={service}>
        <Provider value={service.client}>
          <RouterProvider router={createBrowserRouter(routes)} />
        </Provider>
      </ServiceContext>
    </MantineProvider>
  </StrictMode>,
)
