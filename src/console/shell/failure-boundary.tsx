import { Button } from '@mantine/core'
import { Component, type ReactNode } from 'react'
import { Empty } from '../parts/empty.tsx'
import { text } from '../text.ts'

interface Props {
  children: ReactNode
  /** The address of the screen. At another one, it is tried again. */
  at: string
}

/**
 * Shows that a screen has failed, instead of an empty page: it has an error, or a part of it could not be loaded, as after an
 * update of the service. In React, only a class can do this.
 */
export class FailureBoundary extends Component<Props, { hasFailed: boolean }> {
  override state = { hasFailed: false }

  static getDerivedStateFromError(): { hasFailed: boolean } {
    return { hasFailed: true }
  }

  override componentDidUpdate({ at }: Props): void {
    if (this.state.hasFailed && at !== this.props.at) this.setState({ hasFailed: false })
  }

  override render(): ReactNode {
    if (!this.state.hasFailed) return this.props.children
    return <ScreenFailed />
  }
}

export function ScreenFailed() {
  return (
    <Empty
      action={<Button onClick={() => location.reload()}>{text.shell.reload}</Button>}
      title={text.shell.screenFailed}
    >
      {text.shell.screenFailedHint}
    </Empty>
  )
}
