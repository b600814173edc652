"""What may crash, hang or eat the memory, kept from the run: decoders and parsers in processes of their own."""
