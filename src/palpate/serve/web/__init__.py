"""The application that a reader's browser talks to, over one review store."""
