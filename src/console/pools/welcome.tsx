import { Anchor, Button, Group, List, Paper, Stack, Text } from '@mantine/core'
import { Link } from 'react-router'
import { Page } from '../parts/page.tsx'
import { useViewer } from '../shell/viewer.tsx'
import { text } from '../text.ts'

/** For a key that may not see pools: what it may do, and where. */
export function Welcome() {
  const { name, scopes } = useViewer()
  return (
    <Page title={text.welcome.title}>
      <Paper maw={640} p="xl" withBorder>
        <Stack>
          <Text component="div">
            {text.welcome.lead} <b>{name}</b>. {text.welcome.may}:
            <List mt="xs">
              {scopes.map((scope) => (
                <List.Item key={scope}>{text.shell.scopes[scope]}</List.Item>
              ))}
            </List>
          </Text>
          {scopes.includes('CLAIM') && (
            <Text c="dimmed" size="sm">
              {text.welcome.claims}{' '}
              <Anchor href="/graphql" inherit>
                {text.welcome.api}
              </Anchor>
            </Text>
          )}
          <Group>
            {scopes.includes('REDEEM') && (
              <Button component={Link} to="/codes">
                {text.welcome.redeem}
              </Button>
            )}
            {scopes.includes('ADMIN') && (
              <>
                <Button component={Link} to="/keys">
                  {text.welcome.keys}
                </Button>
                <Button component={Link} to="/webhooks" variant="default">
                  {text.welcome.webhooks}
                </Button>
              </>
            )}
          </Group>
          <Text c="dimmed" size="sm">
            {text.welcome.withoutRead}{' '}
            <Anchor component={Link} inherit to="/sign-in">
              {text.welcome.otherKey}
            </Anchor>
          </Text>
        </Stack>
      </Paper>
    </Page>
  )
}
