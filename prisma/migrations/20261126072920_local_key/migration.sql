-- AlterTable
ALTER TABLE "api_key" ADD COLUMN     "is_local" BOOLEAN NOT NULL DEFAULT false;

-- Written by hand: what the schema cannot say.
-- The key was known by its name, and was replaced at every start. From now on it is kept.
UPDATE api_key SET is_local = true, name = 'This machine' WHERE id IN (
  SELECT DISTINCT ON (account_id) id FROM api_key
  WHERE revoked_at IS NULL
    AND name IN ('This machine (renewed at every start)', 'GraphiQL on this machine (renewed at every start)')
  ORDER BY account_id, created_at DESC, id DESC);
