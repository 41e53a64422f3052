-- Written by hand: what the schema cannot say.

-- Sorted as Unicode numbers their characters, whatever the language of the database: that is fast to compare, the same
-- everywhere, and has all codes with one beginning side by side.
ALTER TABLE uploaded_code
  ALTER COLUMN code TYPE TEXT COLLATE "C",
  ALTER COLUMN typed TYPE TEXT COLLATE "C";
ALTER TABLE dry_run_code ALTER COLUMN code TYPE TEXT COLLATE "C";
