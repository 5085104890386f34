/** A phrase that the style list in CONTRIBUTING.md rules out. */
export interface Pattern {
  /** A regular expression in which a space stands for any gap within a paragraph, line breaks included. */
  phrase: string;
  /** What to write instead. */
  instead: string;
}

/** All phrases that the lint refuses. Add one here, with an example in test/prose.test.ts. */
export const PATTERNS: readonly Pattern[] = [
  { phrase: "\\b(?:is|are|was|were|be) none\\b", instead: '"there is no …", "has no …", "is not one of …"' },
  {
    phrase: "(?<!\\b[Tt]here )\\b(?:is|are|was|were) no (?!longer|more|less|fewer|such|better|worse|other)",
    instead: '"is not a …", "is not valid …"',
  },
  { phrase: "\\b[Aa]nother one\\b", instead: '"another" with its noun' },
  { phrase: "\\b(?:any|every) other one\\b", instead: '"any other", "every other", with its noun' },
  { phrase: "\\b(?:tell|tells|told|telling) of\\b", instead: '"reports", "describes", "says"' },
  { phrase: "\\b[Ss]o many\\b", instead: '"how many", "that many", "the number of"' },
  { phrase: "\\b[Hh]ad better\\b", instead: '"should", "must"' },
  { phrase: "\\bthat there (?:is|are) not\\b", instead: '"that does not exist", "a missing …"' },
  { phrase: "\\bof (?:its|their) own accord\\b", instead: '"by itself", "automatically"' },
  { phrase: "\\b[Ww]hat is more\\b", instead: '"the rest", "anything above", "the difference", or nothing' },
  {
    phrase: "(?:^\\s*(?:[-*] )?|[.;:(|] )[Ww]ho (?![^.;|\\n]*\\?)",
    instead: '"a caller that …", "the thread that …"',
  },
  { phrase: "\\band else\\b", instead: '"and nothing else", "otherwise"' },
  { phrase: "\\bbut for (?:what|how|its|their|those|that)\\b", instead: '"except", "except for"' },
  { phrase: "\\bbelongs? into\\b", instead: '"belongs in"' },
  { phrase: "\\bno certain\\b", instead: '"no particular", "any"' },
  { phrase: "\\bas it stands\\b", instead: '"unchanged", "literally"' },
  { phrase: "\\banew\\b", instead: '"again", "new"' },
  { phrase: "\\b(?:there|where)(?:by|of|in|upon|with)\\b", instead: '"by which", "of it", "so"' },
];
