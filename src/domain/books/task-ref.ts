/** Names a task. An upload's file is stored under this name before the task exists. */
export interface TaskRef {
  accountId: string
  taskId: string
}
