"""What tests share: corpora, planted recordings, tiny models, whole runs, and servers on loopback."""
