import { Anchor, Stack } from '@mantine/core'
import { Link } from 'react-router'
import { Empty } from '../parts/empty.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { More } from '../parts/paging.tsx'
import { usePoolOfPage } from '../pools/pool-of-page.ts'
import { text } from '../text.ts'
import { TaskTable } from './task-table.tsx'
import { useTasksOfPool } from './tasks-of-pool.ts'

/** The Tasks section of a pool: what has been added to it, and what is being added. */
export function TasksScreen() {
  const pool = usePoolOfPage()
  const { result, tasks, more } = useTasksOfPool(pool.id)
  return (
    <Loaded of={result}>
      {() =>
        tasks.length === 0 ? (
          <Empty
            action={
              <Anchor component={Link} to={`/pools/${pool.id}/promo-codes`}>
                {text.tasks.toPromoCodes}
              </Anchor>
            }
            title={text.tasks.noneTitle}
          >
            {text.tasks.none}
          </Empty>
        ) : (
          <Stack>
            <TaskTable tasks={tasks} />
            {more !== undefined && <More isReading={result[0].fetching} read={more} />}
          </Stack>
        )
      }
    </Loaded>
  )
}
