"""What is made from the code: schema, references, manual pages, completion.  Not installed."""
