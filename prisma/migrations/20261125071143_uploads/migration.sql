-- AlterEnum
ALTER TYPE "task_failure_code" ADD VALUE 'UNREADABLE_FILE';

-- AlterEnum
ALTER TYPE "task_status" ADD VALUE 'UNDONE';

-- AlterTable
ALTER TABLE "task" DROP COLUMN "checkpoint",
DROP COLUMN "lease_until",
ADD COLUMN     "accepted" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "bytes" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "bytes_read" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "column" TEXT,
ADD COLUMN     "dry_run" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "duplicates_in_account" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "duplicates_in_file" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "leftovers" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "refused" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "rows_read" BIGINT NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "uploaded_code" ADD COLUMN     "typed" TEXT;

-- CreateTable
CREATE TABLE "upload_piece" (
    "account_id" UUID NOT NULL,
    "task_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "bytes" BYTEA NOT NULL,

    CONSTRAINT "upload_piece_pkey" PRIMARY KEY ("account_id","task_id","number")
);

-- CreateTable
CREATE TABLE "rejected_row" (
    "account_id" UUID NOT NULL,
    "task_id" UUID NOT NULL,
    "number" BIGINT NOT NULL,
    "code" TEXT NOT NULL,
    "reason" TEXT NOT NULL,

    CONSTRAINT "rejected_row_pkey" PRIMARY KEY ("account_id","task_id","number")
);

-- CreateTable
CREATE TABLE "dry_run_code" (
    "account_id" UUID NOT NULL,
    "task_id" UUID NOT NULL,
    "code" TEXT NOT NULL,

    CONSTRAINT "dry_run_code_pkey" PRIMARY KEY ("account_id","task_id","code")
);

-- Written by hand: what the schema cannot say.

-- Most codes are looked up as they are written: this one leads to the few that are not.
CREATE INDEX uploaded_code_typed_idx ON uploaded_code (account_id, typed) WHERE typed IS NOT NULL;

-- Of all tasks there ever were, those that have left something behind are few and soon none.
CREATE INDEX task_leftovers_idx ON task (id) WHERE leftovers;
