"""What is seen and settled before a run starts: cheap to import, without Beam or torch where all is local."""
