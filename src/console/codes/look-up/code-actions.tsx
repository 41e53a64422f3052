import { Button, Group } from '@mantine/core'
import { useState } from 'react'
import { useMay } from '../../shell/viewer.tsx'
import { text } from '../../text.ts'
import { useAskToVoid } from '../ask-to-void.tsx'
import type { KnownCodeOf } from '../code-fields.ts'
import { RedeemForm } from './redeem-form.tsx'
import { useAskToRollBack } from './roll-back.ts'

/** What the key may do with a code that was looked up, as far as its state allows. */
export function CodeActions({ code, again }: { code: KnownCodeOf; again: () => void }) {
  const mayRedeem = useMay('REDEEM')
  const mayManage = useMay('MANAGE')
  const [isRedeeming, setRedeeming] = useState(false)
  const { askToVoid, askToUnvoid } = useAskToVoid(again)
  const askToRollBack = useAskToRollBack(again)
  const { id, validity, redemption, void: voided, status } = code
  const canRedeem = mayRedeem && validity === 'VALID'
  const canVoid = mayManage && status === 'CLAIMED' && voided === null && redemption === null
  const words = text.codes.voiding
  // Nothing else can be pressed meanwhile, so that a second click on "Redeem" hits nothing but its form.
  if (canRedeem && isRedeeming)
    return <RedeemForm code={code.code} onCancel={() => setRedeeming(false)} onRedeemed={again} />
  return (
    <Group gap="sm">
      {canRedeem && <Button onClick={() => setRedeeming(true)}>{text.codes.redeem.action}</Button>}
      {mayRedeem && redemption !== null && (
        <Button onClick={() => askToRollBack(redemption.id, code.code)} variant="default">
          {text.codes.rollBack.action}
        </Button>
      )}
      {canVoid && (
        <Button color="red" onClick={() => askToVoid({ codeIds: [id] }, code.code)} variant="outline">
          {words.void}
        </Button>
      )}
      {mayManage && voided !== null && (
        <Button onClick={() => askToUnvoid({ codeIds: [id] }, code.code)} variant="default">
          {words.unvoid}
        </Button>
      )}
    </Group>
  )
}
