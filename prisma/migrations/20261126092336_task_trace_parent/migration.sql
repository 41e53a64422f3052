-- AlterTable
ALTER TABLE "task" ADD COLUMN     "trace_parent" TEXT;
