-- AlterTable
ALTER TABLE "task" ADD COLUMN     "beginning" JSONB;
