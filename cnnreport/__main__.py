"""``python -m cnnreport``."""

from cnnreport.cli import main

if __name__ == "__main__":
    main()
