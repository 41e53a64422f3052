import {
  ActionIcon,
  Anchor,
  AppShell,
  Burger,
  Divider,
  Group,
  List,
  Menu,
  NavLink,
  Text,
  Tooltip,
  UnstyledButton,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import {
  CodeIcon,
  DatabaseIcon,
  KeyIcon,
  MoonIcon,
  NumberIcon,
  PersonIcon,
  PulseIcon,
  SearchIcon,
  SunIcon,
} from '@primer/octicons-react'
import type { ReactNode } from 'react'
import { Link, useLocation } from 'react-router'
import { signOut } from '../api/session.ts'
import { text } from '../text.ts'
import { ConnectionStatus } from './connection-status.tsx'
import classes from './shell.module.css'
import { type Scope, useViewer } from './viewer.tsx'

interface Destination {
  path: string
  label: string
  icon: ReactNode
  /** Any of these scopes is enough. */
  scopes: readonly Scope[]
}

const destinations: readonly Destination[] = [
  { path: '/', label: text.shell.pools, icon: <DatabaseIcon />, scopes: ['READ'] },
  { path: '/formats', label: text.shell.formats, icon: <NumberIcon />, scopes: ['READ'] },
  { path: '/codes', label: text.shell.codes, icon: <SearchIcon />, scopes: ['READ', 'REDEEM'] },
  { path: '/activity', label: text.shell.activity, icon: <PulseIcon />, scopes: ['READ'] },
  { path: '/keys', label: text.shell.keys, icon: <KeyIcon />, scopes: ['ADMIN'] },
]

/** What is around every screen: where one can go, whether the page is live, and who is signed in. */
export function Shell({ children }: { children: ReactNode }) {
  const [isOpen, { toggle, close }] = useDisclosure()
  const { pathname } = useLocation()
  const { scopes } = useViewer()
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 230, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding={{ base: 'md', sm: 'lg' }}
    >
      <a className={classes.skip} href="#content">
        {text.shell.skip}
      </a>
      <AppShell.Header>
        <Group gap="xs" h="100%" justify="space-between" px="md" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Burger aria-label={text.shell.menu} hiddenFrom="sm" onClick={toggle} opened={isOpen} size="sm" />
            <Anchor c="inherit" component={Link} fw={650} to="/" underline="never">
              <Group gap={8} wrap="nowrap">
                <Logo />
                {text.common.product}
              </Group>
            </Anchor>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <ConnectionStatus />
            <ColorSwitch />
            <ViewerMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar aria-label={text.shell.menu} p="sm">
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
                onClick={close}
                to={path}
              />
            )
          })}
        <Divider my="sm" />
        <NavLink component="a" href="/graphql" label={text.shell.graphiql} leftSection={<CodeIcon />} />
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        {children}
      </AppShell.Main>
    </AppShell>
  )
}

function Logo() {
  return (
    <svg aria-hidden="true" height="26" viewBox="0 0 40 40" width="26">
      <path d="M4 10h32v7a3 3 0 0 0 0 6v7H4v-7a3 3 0 0 0 0-6z" fill="var(--mantine-primary-color-filled)" />
      <path d="M25 11v18" stroke="#fff" strokeDasharray="3 3" strokeWidth="2" />
      <path d="M10 17h10M10 23h7" stroke="#fff" strokeWidth="2.5" />
    </svg>
  )
}

function ColorSwitch() {
  const { setColorScheme } = useMantineColorScheme()
  const isDark = useComputedColorScheme() === 'dark'
  return (
    <Tooltip label={text.shell.colors}>
      <ActionIcon
        aria-label={text.shell.colors}
        color="gray"
        onClick={() => setColorScheme(isDark ? 'light' : 'dark')}
        size="lg"
        variant="subtle"
      >
        {isDark ? <SunIcon /> : <MoonIcon />}
      </ActionIcon>
    </Tooltip>
  )
}

function ViewerMenu() {
  const { name, hint, scopes } = useViewer()
  const leave = async () => {
    await signOut()
    // Loads the page anew, so that nothing of the account stays in memory.
    location.assign('/sign-in')
  }
  return (
    <Menu position="bottom-end" width={300}>
      <Menu.Target>
        <UnstyledButton aria-label={`${text.shell.key} ${name}`} className={classes.viewer}>
          <PersonIcon />
          <Text maw={180} size="sm" truncate visibleFrom="sm">
            {name}
          </Text>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{text.shell.key}</Menu.Label>
        <Text px="sm" size="sm" style={{ overflowWrap: 'anywhere' }}>
          {name}{' '}
          <Text c="dimmed" component="span" ff="monospace" size="sm">
            {hint}…
          </Text>
        </Text>
        <Menu.Label>{text.shell.mayDo}</Menu.Label>
        <List pb="xs" px="sm" size="sm">
          {scopes.map((scope) => (
            <List.Item key={scope}>{text.shell.scopes[scope]}</List.Item>
          ))}
        </List>
        <Menu.Divider />
        <Menu.Item onClick={leave}>{text.shell.signOut}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
