"""Classical ciphers, with the key known or to be found."""
