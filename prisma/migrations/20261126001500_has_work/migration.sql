-- Written by hand: what the schema cannot say.
-- The flag of the upload queue says what it is: that an upload has work left for a worker.
ALTER TABLE task RENAME COLUMN leftovers TO has_work;
ALTER INDEX task_account_leftovers_idx RENAME TO task_account_has_work_idx;
ALTER INDEX task_leftovers_idx RENAME TO task_has_work_idx;
