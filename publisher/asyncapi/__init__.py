"""AsyncAPI documents of a design. Pure.

`source` reads and writes their text (JSON and YAML) and knows the lines; `reading` makes a design of a document,
`writing` a document of a design, in AsyncAPI 3.0 and 2.6; `references` carries schemas from one document to another;
`changes` says what taking a definition over would change, and what of it breaks clients.
"""
