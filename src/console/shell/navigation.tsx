import { Divider, NavLink } from '@mantine/core'
import {
  CodeIcon,
  DatabaseIcon,
  KeyIcon,
  NumberIcon,
  PulseIcon,
  SearchIcon,
  WebhookIcon,
} from '@primer/octicons-react'
import type { ReactNode } from 'react'
import { Link, useLocation } from 'react-router'
import { text } from '../text.ts'
import { places } from './places.ts'
import { type Scope, useViewer } from './viewer.tsx'

interface Destination {
  path: string
  label: string
  icon: ReactNode
  /** Any of these scopes is enough. */
  scopes: readonly Scope[]
}

const destinations: readonly Destination[] = [
  { path: '/', label: text.shell.pools, icon: <DatabaseIcon />, scopes: places.pools.scopes },
  { path: '/formats', label: text.shell.formats, icon: <NumberIcon />, scopes: places.formats.scopes },
  { path: '/codes', label: text.shell.codes, icon: <SearchIcon />, scopes: places.codes.scopes },
  { path: '/activity', label: text.shell.activity, icon: <PulseIcon />, scopes: places.activity.scopes },
  { path: '/keys', label: text.shell.keys, icon: <KeyIcon />, scopes: places.keys.scopes },
  { path: '/webhooks', label: text.shell.webhooks, icon: <WebhookIcon />, scopes: places.webhooks.scopes },
]

/** Where the key may go. */
export function Navigation({ onGo }: { onGo: () => void }) {
  const { pathname } = useLocation()
  const { scopes } = useViewer()
  return (
    <>
      {destinations
        .filter(({ scopes: any }) => any.some((scope) => scopes.includes(scope)))
        .map(({ path, label, icon }) => {
          const isHere =
            path === '/' ? pathname === '/' || pathname.startsWith('/pools') : pathname.startsWith(path)
          return (
            <NavLink
              active={isHere}
              aria-current={isHere ? 'page' : undefined}
              component={Link}
              key={path}
              label={label}
              leftSection={icon}
              onClick={onGo}
              to={path}
            />
          )
        })}
      <Divider my="sm" />
      <NavLink
        component="a"
        href="/graphql"
        description={text.shell.forDevelopers}
        label={text.shell.graphiql}
        leftSection={<CodeIcon />}
      />
    </>
  )
}
