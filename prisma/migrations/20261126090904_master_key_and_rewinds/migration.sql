-- AlterTable
ALTER TABLE "batch" ADD COLUMN     "barred" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "format" ADD COLUMN     "wrapped_by" TEXT;

-- CreateTable
CREATE TABLE "given_up" (
    "account_id" UUID NOT NULL,
    "format_id" UUID NOT NULL,
    "first" DECIMAL(30,0) NOT NULL,
    "count" DECIMAL(30,0) NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "given_up_pkey" PRIMARY KEY ("account_id","format_id","first")
);

-- CreateTable
CREATE TABLE "incarnation" (
    "id" UUID NOT NULL,
    "identity" TEXT NOT NULL,
    "cause" TEXT NOT NULL,
    "margin" DECIMAL(30,0),
    "begun_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "incarnation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "rewind_step" (
    "account_id" UUID NOT NULL,
    "incarnation_id" UUID NOT NULL,
    "id" UUID NOT NULL,

    CONSTRAINT "rewind_step_pkey" PRIMARY KEY ("account_id","incarnation_id","id")
);
