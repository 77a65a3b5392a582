"""From logits to text: sampling, how each token was chosen, filling in a blank."""
