// Whether the visitor points with a finger, and the word of hints for pointing; main thread.

export const COARSE = matchMedia('(pointer: coarse)').matches;

/** Begins the hint of a chart, for example “Point at a bar for its value.” */
export const POINT = COARSE ? 'Touch' : 'Point at';
