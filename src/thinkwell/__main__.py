"""`python -m thinkwell` is the command line."""

from thinkwell.cli import main

if __name__ == "__main__":
    main()
