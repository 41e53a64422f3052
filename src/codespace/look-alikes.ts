/**
 * Characters that people take for each other, in print or handwriting, with the Greek and Cyrillic letters that look
 * like Latin ones, whether they are written in upper or lower case: who types one of a group may mean another, as the
 * case in which people type says nothing. Pairs that only poor print confuses, such as B and 8, are not among them.
 */
export const alikeInEitherCase: readonly string[] = [
  '0OoОоΟο',
  '1Il|!iІіΙι',
  '2Zz',
  '5SsЅѕ',
  'UVuv',
  'AАΑ',
  'aаα',
  'BВΒ',
  'CСϹ',
  'cсϲ',
  'EЕΕ',
  'eе',
  'HНΗ',
  'JЈ',
  'jјϳ',
  'KКΚκк',
  'MМΜ',
  'NΝ',
  'PРΡ',
  'pрρ',
  'TТΤ',
  'XХΧ',
  'xхχ',
  'YУΥ',
  'yу',
  'ZΖ',
  '3З',
]

/** Characters that are alike as they are written here, and not in the other case; and marks, which people seldom type one for the other. */
export const alikeAsWritten: readonly string[] = ['9gq', '6b', 'vν', '\'"`', '.,', ':;', '-_']

/** All groups of characters that people take for each other where they see them. */
export const lookAlikes: readonly string[] = [...alikeInEitherCase, ...alikeAsWritten]
