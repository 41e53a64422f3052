import { Anchor, Group, Paper, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { Copy } from '../../parts/copy.tsx'
import { Moment } from '../../parts/time.tsx'
import { text } from '../../text.ts'
import type { KnownCodeOf } from '../code-fields.ts'
import { looks } from '../validity.tsx'
import { CodeActions } from './code-actions.tsx'
import classes from './found-code.module.css'

const words = text.codes.lookUp

/** All that is known of a code: whether it is good, who has it, what became of it, and what can be done with it. */
export function FoundCode({ code, again }: { code: KnownCodeOf; again: () => void }) {
  const { icon: Sign, color } = looks[code.validity]
  return (
    <Paper p="lg" withBorder>
      <Stack>
        <Group gap={6} wrap="nowrap">
          <Title ff="monospace" order={2} size="h3" style={{ overflowWrap: 'anywhere' }}>
            {code.code}
          </Title>
          <Copy value={code.code} what={text.codes.theCode(code.code)} />
        </Group>
        <Group gap="sm" wrap="nowrap">
          <Text c={`var(--mantine-color-${color}-6)`} component="span" lh={1}>
            <Sign size={24} />
          </Text>
          <div>
            <Text fw={650}>{text.codes.validities[code.validity]}</Text>
            <Text size="sm">{words.meanings[code.validity]}</Text>
          </div>
        </Group>
        <CodeActions again={again} code={code} />
        <CodeFacts code={code} />
      </Stack>
    </Paper>
  )
}

function CodeFacts({ code }: { code: KnownCodeOf }) {
  const { pool, format, status, recipient, claim, claimedAt, expiresAt, redemption, void: voided } = code
  return (
    <dl className={classes.facts}>
      <CodeFact name={words.pool}>
        <Anchor component={Link} inherit to={`/pools/${pool.id}`}>
          {pool.name}
        </Anchor>
      </CodeFact>
      <CodeFact name={words.origin}>
        {format === null ? (
          text.codes.uploaded
        ) : (
          <Anchor component={Link} inherit to={`/formats/${format.id}`}>
            {format.name}
          </Anchor>
        )}
      </CodeFact>
      {status === 'CLAIMED' && (
        <>
          <CodeFact name={words.recipient}>{recipient ?? text.codes.nobody}</CodeFact>
          <CodeFact name={words.claimed}>
            {claimedAt !== null && <Moment at={claimedAt} />}
            {claim !== null && claim.count !== '1' && `, ${words.together(claim.count)}`}
          </CodeFact>
          <CodeFact name={words.expires}>
            {expiresAt === null ? text.codes.never : <Moment at={expiresAt} />}
          </CodeFact>
        </>
      )}
      {redemption !== null && (
        <>
          <CodeFact name={words.redeemed}>
            <Moment at={redemption.at} />
          </CodeFact>
          <CodeFact name={words.reference}>{redemption.reference}</CodeFact>
          {redemption.place !== null && <CodeFact name={words.place}>{redemption.place}</CodeFact>}
        </>
      )}
      {voided !== null && (
        <>
          <CodeFact name={words.voided}>
            <Moment at={voided.at} />
          </CodeFact>
          <CodeFact name={text.codes.reason}>{voided.reason ?? words.noReason}</CodeFact>
        </>
      )}
    </dl>
  )
}

/** What is known of the code in one respect, beside its name. */
function CodeFact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <Text c="dimmed" component="dt" size="sm">
        {name}
      </Text>
      <Text component="dd" m={0} size="sm" style={{ overflowWrap: 'anywhere' }}>
        {children}
      </Text>
    </div>
  )
}
