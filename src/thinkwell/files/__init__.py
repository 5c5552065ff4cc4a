"""Files on disk that outlive a crash: written whole or not at all, and folders that one process holds."""
