"""Runs on Flink, Dataflow and portable runners."""
