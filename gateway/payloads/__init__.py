"""What a message holds, held against the schemas of its topic. Pure.

schemas      does a payload fit, and if not, where
reading      whole messages out of bytes as they come: unmasked, joined, inflated, and never more than so much
redaction    fields that an API forbids to keep, taken out
"""
