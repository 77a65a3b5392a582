// The lab's ready-made programs, which are files in site/lab/examples; main thread.

export const EXAMPLES = [
  { id: 'hue', title: 'Linus Lee’s hue' },
  { id: 'gltr', title: 'GLTR’s rank classes' },
  { id: 'excess', title: 'Surprisal minus entropy' },
  { id: 'distance', title: 'Mean attention distance' },
  { id: 'induction', title: 'Induction score of every head' },
  { id: 'cosine', title: 'Cosine between layers' },
  { id: 'context', title: 'With k tokens of context' },
  { id: 'corpus', title: 'Means over several texts' },
  { id: 'ablation', title: 'Head-ablation sweep' },
  { id: 'steering', title: 'A steering vector' },
];

/** An example's code. @param {string} id */
export async function fetchExample(id) {
  const response = await fetch(new URL(`../../lab/examples/${id}.py`, import.meta.url));
  if (!response.ok) throw new Error(`The example could not be loaded (HTTP ${response.status}).`);
  return response.text();
}
