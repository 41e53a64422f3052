-- AlterEnum
-- This migration adds more than one value to an enum.
-- With PostgreSQL versions 11 and earlier, this is not possible
-- in a single migration. This can be worked around by creating
-- multiple migrations, each migration adding only one value to
-- the enum.


ALTER TYPE "task_failure_code" ADD VALUE 'HEADER_UNCLEAR';
ALTER TYPE "task_failure_code" ADD VALUE 'ALL_ROWS_REFUSED';

-- AlterTable
ALTER TABLE "task" ADD COLUMN     "header" BOOLEAN,
ADD COLUMN     "layout" JSONB,
ADD COLUMN     "waits_for_clearing" BOOLEAN NOT NULL DEFAULT false;

-- Written by hand: what the schema cannot say.

-- What is left to do for the uploads of an account.
CREATE INDEX task_account_leftovers_idx ON task (account_id, id) WHERE leftovers;
