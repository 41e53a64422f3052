import { Alert, Button, Stack, Text } from '@mantine/core'
import { Dropzone } from '@mantine/dropzone'
import { FileIcon, UploadIcon, XIcon } from '@primer/octicons-react'
import { useState } from 'react'
import { text } from '../text.ts'

/** Takes one file: dropped, or chosen with the mouse or the keyboard. */
export function FileDrop({ onFile }: { onFile: (file: File) => void }) {
  const [problem, setProblem] = useState<string>()
  return (
    <Stack gap="sm">
      <Dropzone
        activateOnKeyboard={false}
        inputProps={{ 'aria-hidden': true }}
        maxFiles={1}
        multiple={false}
        onDropAny={(files, rejections) => {
          const [file] = files
          if (file !== undefined && rejections.length === 0) onFile(file)
          else setProblem(rejections.length > 0 ? text.uploads.oneFile : text.uploads.noFile)
        }}
        onDrop={() => {}}
        tabIndex={-1}
      >
        <Stack
          align="center"
          gap="xs"
          mih={140}
          justify="center"
          style={{ pointerEvents: 'none' }}
          ta="center"
        >
          <Dropzone.Accept>
            <UploadIcon size={32} />
          </Dropzone.Accept>
          <Dropzone.Reject>
            <XIcon size={32} />
          </Dropzone.Reject>
          <Dropzone.Idle>
            <FileIcon size={32} />
          </Dropzone.Idle>
          <Text fw={600}>{text.uploads.drop}</Text>
          {/* A click on it, also by the keyboard, is one on what is around it. */}
          <Button size="xs" variant="default">
            {text.uploads.chooseFile}
          </Button>
          <Text c="dimmed" maw={520} size="sm">
            {text.uploads.dropHint}
          </Text>
        </Stack>
      </Dropzone>
      {problem !== undefined && (
        <Alert color="red" role="alert" variant="light">
          {problem}
        </Alert>
      )}
    </Stack>
  )
}
