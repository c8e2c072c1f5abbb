// What of a hypothesis is not in its reference at the same place: the longest common subsequence of their words.
"use strict";

const LONGEST = 4_000_000; // cells of the table of two texts; longer ones are shown without marks

function wordsOf(text, language) {
  if (!Intl.Segmenter) return text.split(/(\s+)/);
  let segmenter;
  try { segmenter = new Intl.Segmenter(language, { granularity: "word" }); } catch { segmenter = new Intl.Segmenter("en", { granularity: "word" }); }
  return Array.from(segmenter.segment(text), (each) => each.segment);
}

// The hypothesis in stretches: [text, whether the reference has it].
function stretches(hypothesis, reference, language) {
  const [ours, theirs] = [wordsOf(hypothesis, language), wordsOf(reference, language)];
  const width = theirs.length + 1;
  if (ours.length * width > LONGEST) return [[hypothesis, true]];
  const common = new Uint32Array((ours.length + 1) * width);
  for (let own = ours.length - 1; own >= 0; own--) {
    for (let other = theirs.length - 1; other >= 0; other--) {
      const at = own * width + other;
      common[at] = ours[own] === theirs[other] ? common[at + width + 1] + 1 : Math.max(common[at + width], common[at + 1]);
    }
  }
  const found = [];
  const put = (text, isCommon) => {
    const known = isCommon || !text.trim(); // a space between two stretches belongs to neither
    if (found.length && found.at(-1)[1] === known) found.at(-1)[0] += text;
    else found.push([text, known]);
  };
  let other = 0;
  for (let own = 0; own < ours.length; own++) {
    const at = () => own * width + other;
    while (other < theirs.length && ours[own] !== theirs[other] && common[at() + 1] > common[at() + width]) other++;
    const isCommon = other < theirs.length && ours[own] === theirs[other];
    put(ours[own], isCommon);
    if (isCommon) other++;
  }
  return found;
}
