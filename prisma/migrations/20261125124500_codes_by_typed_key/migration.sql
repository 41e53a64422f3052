-- Written by hand: what the schema cannot say.

-- A code that is typed as it is had nothing here so far.
UPDATE uploaded_code SET typed = code WHERE typed IS NULL;
DROP INDEX uploaded_code_typed_idx;

-- Uniqueness by (typed, code) is that of the code: typed follows from it.
ALTER TABLE uploaded_code ALTER COLUMN typed SET NOT NULL;
CREATE UNIQUE INDEX uploaded_code_account_id_typed_code_key ON uploaded_code (account_id, typed, code);
DROP INDEX uploaded_code_account_id_code_key;
