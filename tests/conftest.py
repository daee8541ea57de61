"""Every shape in a signature is checked on every call while the tests run."""

from jaxtyping import install_import_hook

_hook = install_import_hook("palpate", "beartype.beartype")
