import { Anchor, AppShell, Box, Burger, Group } from '@mantine/core'
import { useDisclosure, useHotkeys } from '@mantine/hooks'
import { type MouseEvent, type ReactNode, useRef } from 'react'
import { Link } from 'react-router'
import { text } from '../text.ts'
import { Announcer, useArrival } from './arrival.tsx'
import { ColorSwitch } from './color-switch.tsx'
import { ConnectionLost, EventsEnded } from './connection-lost.tsx'
import { ConnectionStatus } from './connection-status.tsx'
import { Logo } from './logo.tsx'
import { Navigation } from './navigation.tsx'
import classes from './shell.module.css'
import { ViewerMenu } from './viewer-menu.tsx'

/** What is around every screen: where one can go, whether the page is live, and who is signed in. */
export function Shell({ children }: { children: ReactNode }) {
  const [isOpen, { toggle, close }] = useDisclosure()
  const burger = useRef<HTMLButtonElement>(null)
  const content = useRef<HTMLElement>(null)
  useArrival(content)
  const closeByKey = () => {
    if (!isOpen) return
    close()
    burger.current?.focus()
  }
  useHotkeys([['Escape', closeByKey]], [])
  // Not by the address, which only the router may change: on an entry of the history that it does not know, it could not ask
  // before unsaved changes are left.
  const skip = (event: MouseEvent) => {
    event.preventDefault()
    content.current?.focus()
  }
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding={{ base: 'md', sm: 'lg' }}
    >
      <Link className={classes.skip} onClick={skip} to="#content">
        {text.shell.skip}
      </Link>
      <AppShell.Header>
        <Group gap="xs" h="100%" justify="space-between" px="md" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Burger
              aria-controls="navigation"
              aria-expanded={isOpen}
              aria-label={text.shell.menu}
              hiddenFrom="sm"
              onClick={toggle}
              opened={isOpen}
              ref={burger}
              size="sm"
            />
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
      <AppShell.Navbar
        aria-label={text.shell.menu}
        className={classes.navbar}
        data-open={isOpen}
        id="navigation"
        p="sm"
      >
        <Navigation onGo={close} />
      </AppShell.Navbar>
      <AppShell.Main className={classes.main} id="content" ref={content} tabIndex={-1}>
        <Box maw={1200} mx="auto">
          <EventsEnded />
          {children}
        </Box>
      </AppShell.Main>
      <ConnectionLost />
      <Announcer />
    </AppShell>
  )
}
