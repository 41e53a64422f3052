-- AlterEnum
ALTER TYPE "queue_kind" ADD VALUE 'WEBHOOKS';
