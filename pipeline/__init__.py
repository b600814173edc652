"""The Apache Beam graph: one transform per stage, the stores, and the rows, sinks and reader of shards."""
