-- AlterTable
ALTER TABLE "batch" ADD COLUMN     "holes" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "format" ADD COLUMN     "taken_to" TEXT;

-- AlterTable
ALTER TABLE "task" ADD COLUMN     "rejected_forgotten" BOOLEAN NOT NULL DEFAULT false;

-- Written by hand: what the schema cannot say.

-- Of all formats, those that codes are still being taken out of are few and soon none.
CREATE INDEX format_taken_to_idx ON format (account_id, id) WHERE taken_to IS NOT NULL;

-- Uploads whose rejected rows are still there, the oldest first.
CREATE INDEX task_rejected_idx ON task (finished_at) WHERE kind = 'UPLOAD' AND NOT rejected_forgotten;
