-- DropForeignKey
ALTER TABLE "api_key" DROP CONSTRAINT "api_key_account_id_fkey";

-- DropForeignKey
ALTER TABLE "format" DROP CONSTRAINT "format_account_id_fkey";

-- DropForeignKey
ALTER TABLE "pool" DROP CONSTRAINT "pool_account_id_fkey";

-- DropForeignKey
ALTER TABLE "pool" DROP CONSTRAINT "pool_account_id_format_id_fkey";

-- DropForeignKey
ALTER TABLE "session" DROP CONSTRAINT "session_api_key_id_fkey";

-- DropForeignKey
ALTER TABLE "task" DROP CONSTRAINT "task_account_id_fkey";

-- DropForeignKey
ALTER TABLE "task" DROP CONSTRAINT "task_account_id_format_id_fkey";

-- DropForeignKey
ALTER TABLE "task" DROP CONSTRAINT "task_account_id_pool_id_fkey";

-- CreateTable
CREATE TABLE "catalog" (
    "account_id" UUID NOT NULL,
    "case_sensitive" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "catalog_pkey" PRIMARY KEY ("account_id")
);

-- AddForeignKey
ALTER TABLE "catalog" ADD CONSTRAINT "catalog_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "session" ADD CONSTRAINT "session_api_key_id_fkey" FOREIGN KEY ("api_key_id") REFERENCES "api_key"("id") ON DELETE CASCADE ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "format" ADD CONSTRAINT "format_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "pool" ADD CONSTRAINT "pool_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "pool" ADD CONSTRAINT "pool_account_id_format_id_fkey" FOREIGN KEY ("account_id", "format_id") REFERENCES "format"("account_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "task" ADD CONSTRAINT "task_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "task" ADD CONSTRAINT "task_account_id_pool_id_fkey" FOREIGN KEY ("account_id", "pool_id") REFERENCES "pool"("account_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "task" ADD CONSTRAINT "task_account_id_format_id_fkey" FOREIGN KEY ("account_id", "format_id") REFERENCES "format"("account_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- Written by hand: what the schema cannot say.

-- The column moves: an older process that still runs fails when it wants to lock the catalog.
INSERT INTO catalog (account_id, case_sensitive) SELECT id, case_sensitive FROM account;
ALTER TABLE account DROP COLUMN case_sensitive;
