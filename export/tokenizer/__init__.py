"""The page's tokenizer: described from the checkpoint's, and compared with it in Node."""
