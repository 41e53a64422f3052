/**
 * Groups of characters that people confuse in print or handwriting, in upper or lower case, with the Greek and Cyrillic
 * letters that look like Latin ones. A person who types one of a group may mean another, as people type in any case. Pairs
 * that are confused only in poor print, such as B and 8, are not included.
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

/** Characters that look alike only in the case given here, and marks, which are seldom typed for each other. */
export const alikeAsWritten: readonly string[] = ['9gq', '6b', 'vν', '\'"`', '.,', ':;', '-_']

/** All groups of characters that people confuse when they read them. */
export const lookAlikes: readonly string[] = [...alikeInEitherCase, ...alikeAsWritten]
