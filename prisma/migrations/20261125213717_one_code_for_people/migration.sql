-- DropIndex
DROP INDEX "uploaded_code_account_id_typed_code_key";

-- AlterTable
ALTER TABLE "account" ADD COLUMN     "case_sensitive" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "dry_run_code" ADD COLUMN     "identity" TEXT;

-- AlterTable
ALTER TABLE "task" ADD COLUMN     "case_sensitive" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "uploaded_code" ADD COLUMN     "identity" TEXT,
ADD COLUMN     "loose" TEXT;

-- Written by hand: what the schema cannot say.

ALTER TABLE uploaded_code
  ALTER COLUMN identity TYPE TEXT COLLATE "C",
  ALTER COLUMN loose TYPE TEXT COLLATE "C";
ALTER TABLE dry_run_code ALTER COLUMN identity TYPE TEXT COLLATE "C";

-- The plain form of a code of ASCII; "C" knows no other letters. Codes of an account that are equal but for case, spaces
-- and dashes were different ones so far, and stay so.
WITH plain AS (
  SELECT account_id, task_id, "row", code, upper(translate(code, ' -', '')) AS form
  FROM uploaded_code WHERE code ~ '^[ -~]*$'
), told AS (
  SELECT *, count(*) OVER (PARTITION BY account_id, form) > 1 AS doubled FROM plain WHERE form <> ''
)
UPDATE uploaded_code SET identity = CASE WHEN doubled THEN form || E'\n' || told.code ELSE form END
FROM told
WHERE uploaded_code.account_id = told.account_id AND uploaded_code.task_id = told.task_id
  AND uploaded_code."row" = told."row" AND (doubled OR form <> told.code);

-- What the service alone can compute, the plain forms of other codes, is left out: these are known as they are.
UPDATE account SET case_sensitive = true WHERE EXISTS (
  SELECT FROM uploaded_code WHERE account_id = account.id AND (identity LIKE E'%\n%' OR code !~ '^[ -~]*$')
);

-- Without punctuation and accents: what src/codespace/loose-form.ts makes of them.
WITH characters AS (
  SELECT
    U&'\00d8\0141\0110\00c0\00c1\00c2\00c3\00c4\00c5\00c7\00c8\00c9\00ca\00cb\00cc\00cd\00ce\00cf\00d1\00d2' ||
      U&'\00d3\00d4\00d5\00d6\00d9\00da\00db\00dc\00dd\0100\0102\0104\0106\0108\010a\010c\010e\0112\0114\0116' ||
      U&'\0118\011a\011c\011e\0120\0122\0124\0128\012a\012c\012e\0130\0134\0136\0139\013b\013d\0143\0145\0147' ||
      U&'\014c\014e\0150\0154\0156\0158\015a\015c\015e\0160\0162\0164\0168\016a\016c\016e\0170\0172\0174\0176' ||
      U&'\0178\0179\017b\017d\01a0\01af\01cd\01cf\01d1\01d3\01d5\01d7\01d9\01db\01de\01e0\01e2\01e6\01e8\01ea' ||
      U&'\01ec\01ee\01f4\01f8\01fa\01fc\01fe\0200\0202\0204\0206\0208\020a\020c\020e\0210\0212\0214\0216\0218' ||
      U&'\021a\021e\0226\0228\022a\022c\022e\0230\0232\0386\0388\0389\038a\038c\038e\038f\03aa\03ab\0400\0401' ||
      U&'\0403\0407\040c\040d\040e\0419\0476\04c1\04d0\04d2\04d6\04da\04dc\04de\04e2\04e4\04e6\04ea\04ec\04ee' ||
      U&'\04f0\04f2\04f4\04f8\1e00\1e02\1e04\1e06\1e08\1e0a\1e0c\1e0e\1e10\1e12\1e14\1e16\1e18\1e1a\1e1c\1e1e' ||
      U&'\1e20\1e22\1e24\1e26\1e28\1e2a\1e2c\1e2e\1e30\1e32\1e34\1e36\1e38\1e3a\1e3c\1e3e\1e40\1e42\1e44\1e46' ||
      U&'\1e48\1e4a\1e4c\1e4e\1e50\1e52\1e54\1e56\1e58\1e5a\1e5c\1e5e\1e60\1e62\1e64\1e66\1e68\1e6a\1e6c\1e6e' ||
      U&'\1e70\1e72\1e74\1e76\1e78\1e7a\1e7c\1e7e\1e80\1e82\1e84\1e86\1e88\1e8a\1e8c\1e8e\1e90\1e92\1e94\1ea0' ||
      U&'\1ea2\1ea4\1ea6\1ea8\1eaa\1eac\1eae\1eb0\1eb2\1eb4\1eb6\1eb8\1eba\1ebc\1ebe\1ec0\1ec2\1ec4\1ec6\1ec8' ||
      U&'\1eca\1ecc\1ece\1ed0\1ed2\1ed4\1ed6\1ed8\1eda\1edc\1ede\1ee0\1ee2\1ee4\1ee6\1ee8\1eea\1eec\1eee\1ef0' ||
      U&'\1ef2\1ef4\1ef6\1ef8\1f08\1f09\1f0a\1f0b\1f0c\1f0d\1f0e\1f0f\1f18\1f19\1f1a\1f1b\1f1c\1f1d\1f28\1f29' ||
      U&'\1f2a\1f2b\1f2c\1f2d\1f2e\1f2f\1f38\1f39\1f3a\1f3b\1f3c\1f3d\1f3e\1f3f\1f48\1f49\1f4a\1f4b\1f4c\1f4d' ||
      U&'\1f59\1f5b\1f5d\1f5f\1f68\1f69\1f6a\1f6b\1f6c\1f6d\1f6e\1f6f\1fb8\1fb9\1fba\1fc8\1fca\1fd8\1fd9\1fda' ||
      U&'\1fe8\1fe9\1fea\1fec\1ff8\1ffa.,:;''"`/\\_()[]{}<>\2018\2019\201a\201b\201c\201d\201e\201f\00ab\00bb' ||
      U&'\2039\203a\02b9\02ba\02bb\02bc\02bd\02be\02bf\02c8\02ca\02cb\2032\2033\2034\2035\2036\2037\00b7\2022' ||
      U&'\2027\30fb\3001\3002\060c\061b\300c\300d\300e\300f\3010\3011\3014\3015\3008\3009\300a\300b\0300\0301' ||
      U&'\0302\0303\0304\0305\0306\0307\0308\0309\030a\030b\030c\030d\030e\030f\0310\0311\0312\0313\0314\0315' ||
      U&'\0316\0317\0318\0319\031a\031b\031c\031d\031e\031f\0320\0321\0322\0323\0324\0325\0326\0327\0328\0329' ||
      U&'\032a\032b\032c\032d\032e\032f\0330\0331\0332\0333\0334\0335\0336\0337\0338\0339\033a\033b\033c\033d' ||
      U&'\033e\033f\0340\0341\0342\0343\0344\0345\0346\0347\0348\0349\034a\034b\034c\034d\034e\034f\0350\0351' ||
      U&'\0352\0353\0354\0355\0356\0357\0358\0359\035a\035b\035c\035d\035e\035f\0360\0361\0362\0363\0364\0365' ||
      U&'\0366\0367\0368\0369\036a\036b\036c\036d\036e\036f' AS given,
    U&'01DAAAAAACEEEE1111N00000VVVVYAAACCCCDEEEEEGGGGH11111JK111NNN000RRR5555TTVVVVVVWYY2220VA10VVVVVAA' ||
      U&'\00c6GK00\01b7GNA\00c60AAEE1100RRVV5THAE0000YAEH10Y\03a91YEE\04131K\0418Y\0418\0474\0416AAE\04d8' ||
      U&'\04163\0418\04180\04e8\042dYYY\0427\042bABBBCDDDDDEEEEEFGHHHHH11KKK1111MMMNNNN0000PPRRRR55555TTTTVVV' ||
      U&'VVVVWWWWWXXY222AAAAAAAAAAAAEEEEEEEE11000000000000VVVVVVVYYYYAAAAAAAAEEEEEEHHHHHHHH11111111000000YYYY' ||
      U&'\03a9\03a9\03a9\03a9\03a9\03a9\03a9\03a9AAAEH111YYYP0\03a9' AS taken
)
UPDATE uploaded_code SET loose = translate(typed, given, taken) FROM characters
WHERE translate(typed, given, taken) <> typed;

-- The planner is to know nothing of which accounts there are: of one that it has not seen it would expect a single code,
-- and look for each of thousands through whichever index begins with the account. (A change of type lets go of what it
-- knows already, also to the same type.)
ALTER TABLE uploaded_code ALTER COLUMN account_id TYPE UUID, ALTER COLUMN account_id SET STATISTICS 0;
ALTER TABLE dry_run_code ALTER COLUMN account_id TYPE UUID, ALTER COLUMN account_id SET STATISTICS 0;

CREATE UNIQUE INDEX uploaded_code_identity_key ON uploaded_code (account_id, typed, coalesce(identity, code));
CREATE UNIQUE INDEX dry_run_code_identity_key ON dry_run_code (account_id, task_id, coalesce(identity, code));
-- Most codes have neither punctuation nor accents.
CREATE INDEX uploaded_code_loose_idx ON uploaded_code (account_id, loose) WHERE loose IS NOT NULL;
