"""``python -m palpate`` is the command ``palpate``."""

from palpate.cli.app import main

if __name__ == "__main__":
    main()
