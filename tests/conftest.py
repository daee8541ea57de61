"""Every shape in a signature is checked on every call while the tests run; nothing is timed."""

from hypothesis import settings
from jaxtyping import install_import_hook

_hook = install_import_hook("palpate", "beartype.beartype")

# A test never times anything: a slow machine is no failure.
settings.register_profile("palpate", deadline=None)
settings.load_profile("palpate")
