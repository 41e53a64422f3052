-- AlterTable
ALTER TABLE "idempotency" DROP CONSTRAINT "idempotency_pkey",
ADD CONSTRAINT "idempotency_pkey" PRIMARY KEY ("account_id", "key", "operation");
