"""The bundled model's shape, and running it without torch: its graph is written for ONNX Runtime from its weights."""
