-- CreateEnum
CREATE TYPE "renew_after" AS ENUM ('EXPIRED', 'REDEEMED', 'VOIDED');

-- AlterEnum
-- This migration adds more than one value to an enum.
-- With PostgreSQL versions 11 and earlier, this is not possible
-- in a single migration. This can be worked around by creating
-- multiple migrations, each migration adding only one value to
-- the enum.


ALTER TYPE "event_kind" ADD VALUE 'CODES_WITHDRAWN';
ALTER TYPE "event_kind" ADD VALUE 'CODES_RESTORED';
ALTER TYPE "event_kind" ADD VALUE 'CODES_VOIDED';
ALTER TYPE "event_kind" ADD VALUE 'CODES_UNVOIDED';

-- AlterEnum
ALTER TYPE "scope" ADD VALUE 'REDEEM';

-- DropIndex
DROP INDEX "batch_account_id_task_id_idx";

-- AlterTable
ALTER TABLE "batch" DROP CONSTRAINT "batch_pkey",
ADD COLUMN     "withdrawn" BOOLEAN NOT NULL DEFAULT false,
ADD CONSTRAINT "batch_pkey" PRIMARY KEY ("account_id", "pool_id", "withdrawn", "start");

-- AlterTable
ALTER TABLE "claim" ADD COLUMN     "expires_at" TIMESTAMPTZ(3),
ALTER COLUMN "count" SET DATA TYPE DECIMAL(40,0);

-- AlterTable
ALTER TABLE "event" ADD COLUMN     "actor_id" UUID;

-- AlterTable
ALTER TABLE "idempotency" ADD COLUMN     "already_held" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "positions" DECIMAL(40,0)[];

-- AlterTable
ALTER TABLE "pool" ADD COLUMN     "archived_at" TIMESTAMPTZ(3),
ADD COLUMN     "description" TEXT,
ADD COLUMN     "external_id" TEXT,
ADD COLUMN     "issue_from" TIMESTAMPTZ(3),
ADD COLUMN     "issue_until" TIMESTAMPTZ(3),
ADD COLUMN     "last_change_at" TIMESTAMPTZ(3),
ADD COLUMN     "line_version" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "one_per_recipient" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "renew_after" "renew_after"[] DEFAULT ARRAY[]::"renew_after"[],
ADD COLUMN     "valid_for_ms" BIGINT,
ADD COLUMN     "valid_until" TIMESTAMPTZ(3),
ADD COLUMN     "withdrawn" DECIMAL(40,0) NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "task" ADD COLUMN     "actor_id" UUID;

-- CreateTable
CREATE TABLE "pool_usage" (
    "account_id" UUID NOT NULL,
    "pool_id" UUID NOT NULL,
    "redeemed" BIGINT NOT NULL DEFAULT 0,
    "voided" DECIMAL(40,0) NOT NULL DEFAULT 0,
    "version" BIGINT NOT NULL DEFAULT 0,
    "erased_version" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "pool_usage_pkey" PRIMARY KEY ("account_id","pool_id")
);

-- CreateTable
CREATE TABLE "stock_change" (
    "account_id" UUID NOT NULL,
    "pool_id" UUID NOT NULL,
    "number" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "total" DECIMAL(40,0) NOT NULL,
    "added" DECIMAL(40,0) NOT NULL,

    CONSTRAINT "stock_change_pkey" PRIMARY KEY ("account_id","pool_id","number")
);

-- CreateTable
CREATE TABLE "redemption" (
    "account_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "pool_id" UUID NOT NULL,
    "position" DECIMAL(40,0) NOT NULL,
    "reference" TEXT NOT NULL,
    "place" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "rolled_back_at" TIMESTAMPTZ(3),
    "version" BIGINT NOT NULL,
    "rolled_back_version" BIGINT,

    CONSTRAINT "redemption_pkey" PRIMARY KEY ("account_id","id")
);

-- CreateTable
CREATE TABLE "redemption_count" (
    "account_id" UUID NOT NULL,
    "pool_id" UUID NOT NULL,
    "quarter" TIMESTAMPTZ(3) NOT NULL,
    "count" BIGINT NOT NULL,

    CONSTRAINT "redemption_count_pkey" PRIMARY KEY ("account_id","pool_id","quarter")
);

-- CreateTable
CREATE TABLE "code_void" (
    "account_id" UUID NOT NULL,
    "pool_id" UUID NOT NULL,
    "first" DECIMAL(40,0) NOT NULL,
    "count" DECIMAL(40,0) NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "reason" TEXT,
    "version" BIGINT NOT NULL,
    "unvoided_version" BIGINT,

    CONSTRAINT "code_void_pkey" PRIMARY KEY ("account_id","pool_id","first","version")
);

-- CreateIndex
CREATE INDEX "stock_change_account_id_pool_id_at_idx" ON "stock_change"("account_id", "pool_id", "at");

-- CreateIndex
CREATE INDEX "redemption_account_id_pool_id_id_idx" ON "redemption"("account_id", "pool_id", "id");

-- CreateIndex
CREATE INDEX "redemption_account_id_reference_id_idx" ON "redemption"("account_id", "reference", "id");

-- CreateIndex
CREATE INDEX "batch_account_id_task_id_first_idx" ON "batch"("account_id", "task_id", "first");

-- CreateIndex
CREATE UNIQUE INDEX "pool_account_id_external_id_key" ON "pool"("account_id", "external_id");

-- Written by hand: what the schema cannot say.

-- From now on, recipients are stored in composed form.
UPDATE claim SET recipient = normalize(recipient, NFC) WHERE recipient IS NOT NULL AND recipient IS NOT NFC NORMALIZED;

-- The claims of a recipient, in all pools or in one: see src/domain/claim/recipients.ts. 8 bytes: the upper 40 bits are a hash
-- of the recipient and the account, the lower 24 one of the pool. Then the position, the newest claim first.
CREATE INDEX claim_recipient_idx ON claim ((
  (hashtextextended(recipient COLLATE "C", uuid_hash_extended(account_id, 0)) & -16777216)
    | (uuid_hash(pool_id) & 16777215)::bigint
), (-first)) WHERE recipient IS NOT NULL;
-- The pool of such a key.
CREATE INDEX pool_hash_idx ON pool (account_id, (uuid_hash(id) & 16777215));

-- Decides between two tills that redeem the same code. It also finds the redemptions of positions.
CREATE UNIQUE INDEX redemption_position_key ON redemption (account_id, pool_id, position)
  WHERE rolled_back_version IS NULL;
-- Those that are rolled back, for files that began before. With the version, later files pass over them in the index alone.
CREATE INDEX redemption_rolled_back_idx ON redemption (account_id, pool_id, position, rolled_back_version)
  WHERE rolled_back_version IS NOT NULL;

CREATE UNIQUE INDEX code_void_first_key ON code_void (account_id, pool_id, first) WHERE unvoided_version IS NULL;
-- Those that have ended since a file began: those before are never read for it.
CREATE INDEX code_void_ended_idx ON code_void (account_id, pool_id, unvoided_version, first)
  WHERE unvoided_version IS NOT NULL;

-- From now on, the times of a pool's claims do not decrease along its line. Processes whose clocks differ have written some
-- that do: these get the time of the claim before them. A time in the future becomes now, or it would be that of all later
-- claims, and of those to come.
UPDATE claim SET at = line.reached
FROM (
  SELECT account_id, pool_id, first,
    max(least(at, date_trunc('milliseconds', now()))) OVER (PARTITION BY account_id, pool_id ORDER BY first) AS reached
  FROM claim
) AS line
WHERE claim.account_id = line.account_id AND claim.pool_id = line.pool_id AND claim.first = line.first
  AND claim.at <> line.reached;

INSERT INTO pool_usage (account_id, pool_id) SELECT account_id, id FROM pool;

-- Stock is known since each task that has added some. What uploads had added before they were undone is not known any more.
INSERT INTO stock_change (account_id, pool_id, number, at, total, added)
SELECT account_id, pool_id, row_number() OVER line, least(finished_at, date_trunc('milliseconds', now())), sum(added) OVER line, sum(added) OVER line
FROM task WHERE status = 'COMPLETED' AND added > 0
WINDOW line AS (PARTITION BY account_id, pool_id ORDER BY finished_at, id ROWS UNBOUNDED PRECEDING);

UPDATE pool SET last_change_at = greatest(
  (SELECT at FROM claim WHERE account_id = pool.account_id AND pool_id = pool.id ORDER BY first DESC LIMIT 1),
  (SELECT max(at) FROM stock_change WHERE account_id = pool.account_id AND pool_id = pool.id)
);

-- Until the expression of an index has statistics, PostgreSQL guesses how many claims a recipient has. An empty table gets none:
-- they would say that it is empty until it is analyzed again.
DO $$ BEGIN
  IF EXISTS (SELECT FROM claim) THEN ANALYZE claim; END IF;
END $$;
