import { List, Menu, Text, UnstyledButton } from '@mantine/core'
import { PersonIcon, SignOutIcon } from '@primer/octicons-react'
import { useSigningOut } from '../account/signing-out.tsx'
import { text } from '../text.ts'
import classes from './shell.module.css'
import { useViewer } from './viewer.tsx'

/** Who is signed in, what they may do, and the way out. */
export function ViewerMenu() {
  const { name, hint, scopes } = useViewer()
  const leave = useSigningOut()
  return (
    <Menu position="bottom-end" width={300}>
      <Menu.Target>
        <UnstyledButton aria-label={`${text.shell.key} ${name}`} className={classes.viewer}>
          <PersonIcon />
          <Text maw={{ base: 160, md: 280 }} size="sm" truncate visibleFrom="sm">
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
        <List pb="xs" pl={32} pr="sm" size="sm">
          {scopes.map((scope) => (
            <List.Item key={scope}>{text.shell.scopes[scope]}</List.Item>
          ))}
        </List>
        <Menu.Divider />
        <Menu.Item leftSection={<SignOutIcon />} onClick={leave}>
          {text.shell.signOut}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
