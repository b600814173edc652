"""Files on disks and object stores, and the store of stage results."""
