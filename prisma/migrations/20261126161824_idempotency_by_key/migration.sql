-- AlterTable
ALTER TABLE "idempotency" DROP CONSTRAINT "idempotency_pkey";

-- AlterTable
ALTER TABLE "idempotency" ADD CONSTRAINT "idempotency_pkey" PRIMARY KEY ("account_id", "key", "operation");
