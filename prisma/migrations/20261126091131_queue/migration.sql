-- CreateEnum
CREATE TYPE "queue_kind" AS ENUM ('GENERATIONS', 'UPLOADS', 'FORMATS');

-- DropIndex
DROP INDEX "idempotency_at_idx";

-- DropIndex
DROP INDEX "task_status_id_idx";

-- CreateTable
CREATE TABLE "queue" (
    "account_id" UUID NOT NULL,
    "kind" "queue_kind" NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL,
    "nonce" BIGINT NOT NULL,

    CONSTRAINT "queue_pkey" PRIMARY KEY ("account_id","kind")
);

-- CreateIndex
CREATE INDEX "queue_kind_since_account_id_idx" ON "queue"("kind", "since", "account_id");

-- CreateIndex
CREATE INDEX "idempotency_account_id_at_idx" ON "idempotency"("account_id", "at");

-- Written by hand: what the schema cannot say.

-- The tasks that have not ended: few of all.
CREATE INDEX task_unfinished_idx ON task (account_id, id) WHERE status IN ('AWAITING_EXECUTION', 'RUNNING');

-- Work is looked for account by account.
DROP INDEX task_has_work_idx;
DROP INDEX task_rejected_idx;
CREATE INDEX task_rejected_idx ON task (account_id, finished_at) WHERE kind = 'UPLOAD' AND NOT rejected_forgotten;

INSERT INTO queue (account_id, kind, since, nonce)
SELECT account_id, 'GENERATIONS', min(created_at), 0 FROM task
WHERE kind = 'GENERATION' AND status IN ('AWAITING_EXECUTION', 'RUNNING') GROUP BY account_id;
INSERT INTO queue (account_id, kind, since, nonce)
SELECT account_id, 'UPLOADS', min(created_at), 0 FROM task WHERE has_work GROUP BY account_id;
INSERT INTO queue (account_id, kind, since, nonce)
SELECT account_id, 'FORMATS', min(created_at), 0 FROM format WHERE taken_to IS NOT NULL GROUP BY account_id;
