// The norms that panels show of every layer and token, with their titles; pure, main thread.

/** @type {Record<string, string>} */
export const QUANTITIES = {
  hidden_norm: 'Hidden state (L2 norm)',
  change_norm: 'Change by the layer',
  attention_norm: 'Added by attention',
  mlp_norm: 'Added by the MLP',
};
