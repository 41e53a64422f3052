import { ActionIcon, Menu, ScrollArea, Table, UnstyledButton, VisuallyHidden } from '@mantine/core'
import { ChevronDownIcon, ChevronRightIcon, KebabHorizontalIcon } from '@primer/octicons-react'
import { useState } from 'react'
import { Distance, Moment } from '../parts/time.tsx'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { useAskToVoid } from './ask-to-void.tsx'
import { ClaimCodes } from './claim-codes.tsx'
import type { ListedClaimOf } from './claims-query.ts'
import { Recipient } from './code-table.tsx'
import { CodeText } from './code-text.tsx'

const words = text.codes.columns

/** A page of claims. Each can be opened to see its codes. */
export function ClaimTable({ claims }: { claims: readonly ListedClaimOf[] }) {
  return (
    <ScrollArea type="auto" viewportProps={{ tabIndex: 0, 'aria-label': text.codes.views.claims }}>
      <Table miw={640} verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{words.recipient}</Table.Th>
            <Table.Th>{words.codes}</Table.Th>
            <Table.Th>{words.claimedAt}</Table.Th>
            <Table.Th>{words.expiresAt}</Table.Th>
            <Table.Th w={48}>
              <VisuallyHidden>{words.actions}</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {claims.map((claim) => (
            <ClaimRow claim={claim} key={claim.id} />
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  )
}

function ClaimRow({ claim }: { claim: ListedClaimOf }) {
  const [isOpen, setOpen] = useState(false)
  const { id, at, count, recipient, expiresAt, codes } = claim
  const [first] = codes.edges
  return (
    <>
      <Table.Tr>
        <Table.Td>
          <Recipient recipient={recipient} />
        </Table.Td>
        <Table.Td>
          {count === '1' && first !== undefined ? (
            <CodeText code={first.node.code} />
          ) : (
            <UnstyledButton aria-expanded={isOpen} fz="sm" onClick={() => setOpen(!isOpen)}>
              {isOpen ? <ChevronDownIcon /> : <ChevronRightIcon />} {text.common.codes(count)}
            </UnstyledButton>
          )}
        </Table.Td>
        <Table.Td>
          <Distance at={at} />
        </Table.Td>
        <Table.Td>{expiresAt === null ? text.codes.never : <Moment at={expiresAt} />}</Table.Td>
        <Table.Td>
          <ClaimMenu claim={claim} />
        </Table.Td>
      </Table.Tr>
      {isOpen && (
        <Table.Tr>
          <Table.Td bg="var(--mantine-color-default-hover)" colSpan={5}>
            <ClaimCodes claimId={id} />
          </Table.Td>
        </Table.Tr>
      )}
    </>
  )
}

function ClaimMenu({ claim: { id, count, recipient, codesUrl } }: { claim: ListedClaimOf }) {
  const mayManage = useMay('MANAGE')
  const { askToVoid, askToUnvoid } = useAskToVoid()
  const what = text.codes.ofClaim(count, recipient)
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon aria-label={text.codes.claimActions(what)} color="gray" variant="subtle">
          <KebabHorizontalIcon />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component="a" download href={`${codesUrl}&bom=true`}>
          {text.codes.downloadClaim}
        </Menu.Item>
        {mayManage && (
          <>
            <Menu.Item onClick={() => askToVoid({ claimId: id }, what)}>{text.codes.voiding.void}</Menu.Item>
            <Menu.Item onClick={() => askToUnvoid({ claimId: id }, what)}>
              {text.codes.voiding.unvoid}
            </Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}
