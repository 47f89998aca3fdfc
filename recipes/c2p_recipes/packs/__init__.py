"""Named objects under open licences: what they are, which are twins, which stay apart for validation."""
