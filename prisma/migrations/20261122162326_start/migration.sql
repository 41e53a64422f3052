-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "scope" AS ENUM ('READ', 'MANAGE', 'CLAIM', 'ADMIN');

-- CreateEnum
CREATE TYPE "replenishment_method" AS ENUM ('GENERATE', 'UPLOAD');

-- CreateEnum
CREATE TYPE "task_kind" AS ENUM ('GENERATION', 'UPLOAD');

-- CreateEnum
CREATE TYPE "task_trigger" AS ENUM ('MANUAL', 'AUTO_GENERATE');

-- CreateEnum
CREATE TYPE "task_status" AS ENUM ('AWAITING_EXECUTION', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED');

-- CreateEnum
CREATE TYPE "task_failure_code" AS ENUM ('INTERNAL');

-- CreateEnum
CREATE TYPE "event_kind" AS ENUM ('TASK_STATUS_CHANGED', 'POOL_REFILLED', 'POOL_REFILL_FAILED', 'POOL_LOW', 'POOL_EMPTY');

-- CreateTable
CREATE TABLE "account" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "account_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_key" (
    "id" UUID NOT NULL,
    "account_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "hint" TEXT NOT NULL,
    "scopes" "scope"[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_used_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "format" (
    "account_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "pattern" TEXT NOT NULL,
    "characters" TEXT NOT NULL,
    "length" INTEGER NOT NULL,
    "version" INTEGER NOT NULL,
    "key" BYTEA NOT NULL,
    "first_code" TEXT NOT NULL,
    "capacity" DECIMAL(30,0) NOT NULL,
    "next" DECIMAL(30,0) NOT NULL DEFAULT 0,
    "reserved" DECIMAL(30,0) NOT NULL DEFAULT 0,
    "taken_ahead" DECIMAL(30,0) NOT NULL DEFAULT 0,
    "generated" DECIMAL(30,0) NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "format_pkey" PRIMARY KEY ("account_id","id")
);

-- CreateTable
CREATE TABLE "taken" (
    "account_id" UUID NOT NULL,
    "format_id" UUID NOT NULL,
    "index" DECIMAL(30,0) NOT NULL,

    CONSTRAINT "taken_pkey" PRIMARY KEY ("account_id","format_id","index")
);

-- CreateTable
CREATE TABLE "pool" (
    "account_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "method" "replenishment_method" NOT NULL DEFAULT 'GENERATE',
    "format_id" UUID,
    "quantity" DECIMAL(30,0),
    "auto_generate" BOOLEAN NOT NULL DEFAULT false,
    "refill_threshold" DECIMAL(30,0) NOT NULL DEFAULT 0,
    "total" DECIMAL(40,0) NOT NULL DEFAULT 0,
    "claimed" DECIMAL(40,0) NOT NULL DEFAULT 0,
    "refill_failed_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "pool_pkey" PRIMARY KEY ("account_id","id")
);

-- CreateTable
CREATE TABLE "batch" (
    "account_id" UUID NOT NULL,
    "pool_id" UUID NOT NULL,
    "start" DECIMAL(40,0) NOT NULL,
    "count" DECIMAL(30,0) NOT NULL,
    "format_id" UUID,
    "first" DECIMAL(30,0) NOT NULL DEFAULT 0,
    "task_id" UUID NOT NULL,

    CONSTRAINT "batch_pkey" PRIMARY KEY ("account_id","pool_id","start")
);

-- CreateTable
CREATE TABLE "claim" (
    "account_id" UUID NOT NULL,
    "pool_id" UUID NOT NULL,
    "first" DECIMAL(40,0) NOT NULL,
    "count" INTEGER NOT NULL,
    "recipient" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "nonce" BIGINT NOT NULL,

    CONSTRAINT "claim_pkey" PRIMARY KEY ("account_id","pool_id","first")
);

-- CreateTable
CREATE TABLE "task" (
    "account_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "kind" "task_kind" NOT NULL,
    "trigger" "task_trigger" NOT NULL,
    "pool_id" UUID NOT NULL,
    "format_id" UUID,
    "status" "task_status" NOT NULL,
    "quantity" DECIMAL(30,0),
    "generated" DECIMAL(30,0) NOT NULL DEFAULT 0,
    "added" DECIMAL(30,0) NOT NULL DEFAULT 0,
    "failure_code" "task_failure_code",
    "failure_message" TEXT,
    "checkpoint" DECIMAL(30,0),
    "lease_until" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "task_pkey" PRIMARY KEY ("account_id","id")
);

-- CreateTable
CREATE TABLE "uploaded_code" (
    "account_id" UUID NOT NULL,
    "task_id" UUID NOT NULL,
    "row" DECIMAL(30,0) NOT NULL,
    "code" TEXT NOT NULL,

    CONSTRAINT "uploaded_code_pkey" PRIMARY KEY ("account_id","task_id","row")
);

-- CreateTable
CREATE TABLE "idempotency" (
    "account_id" UUID NOT NULL,
    "operation" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "pool_id" UUID,
    "first" DECIMAL(40,0),
    "task_id" UUID,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "idempotency_pkey" PRIMARY KEY ("account_id","operation","key")
);

-- CreateTable
CREATE TABLE "event_log" (
    "account_id" UUID NOT NULL,
    "log" UUID NOT NULL,
    "last" BIGINT NOT NULL DEFAULT 0,
    "floor" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "event_log_pkey" PRIMARY KEY ("account_id")
);

-- CreateTable
CREATE TABLE "event" (
    "account_id" UUID NOT NULL,
    "sequence" BIGINT NOT NULL,
    "pool_id" UUID NOT NULL,
    "kind" "event_kind" NOT NULL,
    "payload" JSONB NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "event_pkey" PRIMARY KEY ("account_id","sequence")
);

-- CreateIndex
CREATE UNIQUE INDEX "account_name_key" ON "account"("name");

-- CreateIndex
CREATE UNIQUE INDEX "api_key_hash_key" ON "api_key"("hash");

-- CreateIndex
CREATE INDEX "api_key_account_id_idx" ON "api_key"("account_id");

-- CreateIndex
CREATE INDEX "format_account_id_length_idx" ON "format"("account_id", "length");

-- CreateIndex
CREATE UNIQUE INDEX "format_account_id_name_key" ON "format"("account_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "pool_account_id_name_key" ON "pool"("account_id", "name");

-- CreateIndex
CREATE INDEX "batch_account_id_task_id_idx" ON "batch"("account_id", "task_id");

-- CreateIndex
CREATE UNIQUE INDEX "batch_account_id_format_id_first_key" ON "batch"("account_id", "format_id", "first");

-- CreateIndex
CREATE INDEX "task_account_id_pool_id_id_idx" ON "task"("account_id", "pool_id", "id");

-- CreateIndex
CREATE INDEX "task_status_id_idx" ON "task"("status", "id");

-- CreateIndex
CREATE UNIQUE INDEX "uploaded_code_account_id_code_key" ON "uploaded_code"("account_id", "code");

-- CreateIndex
CREATE INDEX "idempotency_at_idx" ON "idempotency"("at");

-- CreateIndex
CREATE INDEX "event_account_id_pool_id_sequence_idx" ON "event"("account_id", "pool_id", "sequence");

-- AddForeignKey
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "format" ADD CONSTRAINT "format_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "pool" ADD CONSTRAINT "pool_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "pool" ADD CONSTRAINT "pool_account_id_format_id_fkey" FOREIGN KEY ("account_id", "format_id") REFERENCES "format"("account_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "task" ADD CONSTRAINT "task_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "task" ADD CONSTRAINT "task_account_id_pool_id_fkey" FOREIGN KEY ("account_id", "pool_id") REFERENCES "pool"("account_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "task" ADD CONSTRAINT "task_account_id_format_id_fkey" FOREIGN KEY ("account_id", "format_id") REFERENCES "format"("account_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;
