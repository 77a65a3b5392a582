"""What each model family is: where its parts are, one recorded forward pass, its operators. PyTorch."""
