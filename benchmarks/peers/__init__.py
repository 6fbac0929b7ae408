"""The compiler and its peers, each training the same network in a process of its own."""
