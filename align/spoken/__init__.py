"""Numbers, dates, currency and abbreviations as they are read aloud."""
